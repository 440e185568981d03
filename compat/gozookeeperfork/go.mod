module github.com/zookit/zookit/compat/gozookeeperfork

go 1.26.0

require github.com/zookit/zookit/compat/gozookeeper v0.0.0

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/zookit/zookit v0.0.0 // indirect
)

replace (
	github.com/zookit/zookit => ../..
	github.com/zookit/zookit/compat/gozookeeper => ../gozookeeper
)
