// A program with the lock of zookit.
package main

import (
	"context"
	"strings"
	"time"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	client  *zk.Client
	lock    *lock.Lock
	timeout time.Duration
	held    *lock.Held
}

func open(o driver.Options) (driver.Program, error) {
	c, err := zk.Connect(context.Background(), zk.Config{Servers: strings.Join(o.Servers, ","), SessionTimeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	return &program{client: c, lock: lock.New(c, o.Dir+"/lock", lock.Config{Data: []byte(o.Name)}), timeout: o.Timeout}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	held, err := p.lock.Acquire(context.Background())
	if err != nil {
		return err
	}
	p.held = held
	ctx := held.Context()
	holds(driver.Tellers{"Held.Context": func() bool { return ctx.Err() == nil }})
	return nil
}

func (p *program) Release() error {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	return p.held.Release(ctx)
}

func (p *program) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	_ = p.client.Close(ctx)
}
