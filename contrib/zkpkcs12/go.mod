module github.com/zookit/zookit/contrib/zkpkcs12

go 1.26

require (
	github.com/stretchr/testify v1.12.1
	github.com/zookit/zookit v0.0.0
	software.sslmate.com/src/go-pkcs12 v0.7.4
)

require (
	github.com/cenkalti/backoff/v4 v4.3.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/crypto v0.11.0 // indirect
)

replace github.com/zookit/zookit => ../..
