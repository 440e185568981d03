module github.com/zookit/zookit/compat/gozookeeperfork

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/z-division/go-zookeeper v1.0.0
	github.com/zookit/zookit/compat/gozookeeper v0.0.0
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	github.com/zookit/zookit v0.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
)

replace (
	github.com/zookit/zookit => ../..
	github.com/zookit/zookit/compat/gozookeeper => ../gozookeeper
)
