// A program with the registration of go-kit's sd/zk.
package main

import (
	"os"

	"github.com/go-kit/kit/sd/zk"
	"github.com/go-kit/log"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	client    zk.Client
	registrar *zk.Registrar
}

func open(o driver.Options) (driver.Program, error) {
	logger := log.NewLogfmtLogger(log.NewSyncWriter(os.Stderr))
	client, err := zk.NewClient(o.Servers, logger, zk.SessionTimeout(o.Timeout))
	if err != nil {
		return nil, err
	}
	if err := client.CreateParentNodes(o.Dir + "/services"); err != nil { // waits for the session
		return nil, err
	}
	service := zk.Service{Path: o.Dir + "/services", Name: "web", Data: []byte(o.Name)}
	return &program{client: client, registrar: zk.NewRegistrar(client, service, logger)}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	p.registrar.Register()
	return nil
}

func (p *program) Release() error {
	p.registrar.Deregister()
	return nil
}

func (p *program) Close() { p.client.Stop() }
