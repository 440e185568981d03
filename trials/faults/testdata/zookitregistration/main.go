// A program with the registration of zookit.
package main

import (
	"context"
	"strings"
	"time"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	client       *zk.Client
	registration *discovery.Registration
	timeout      time.Duration
}

func open(o driver.Options) (driver.Program, error) {
	c, err := zk.Connect(context.Background(), zk.Config{Servers: strings.Join(o.Servers, ","), SessionTimeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	r, err := discovery.New(c, o.Dir+"/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: o.Name})
	if err != nil {
		return nil, err
	}
	return &program{client: c, registration: r, timeout: o.Timeout}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	return p.registration.Register(context.Background())
}

func (p *program) Release() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	return p.registration.Unregister(ctx)
}

func (p *program) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	_ = p.client.Close(ctx)
}
