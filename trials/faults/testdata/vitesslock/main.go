// A program with the lock of Vitess' zk2topo.
package main

import (
	"context"
	"strings"

	"vitess.io/vitess/go/vt/servenv"
	"vitess.io/vitess/go/vt/topo"
	"vitess.io/vitess/go/vt/topo/zk2topo"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	server *zk2topo.Server
	name   string
	held   topo.LockDescriptor
}

func open(o driver.Options) (driver.Program, error) {
	if err := servenv.GetFlagSetFor("vttablet").Set("topo-zk-base-timeout", o.Timeout.String()); err != nil {
		return nil, err
	}
	s := zk2topo.NewServer(strings.Join(o.Servers, ","), o.Dir)
	if _, err := s.ListDir(context.Background(), "/", false); err != nil { // connects
		return nil, err
	}
	return &program{server: s, name: o.Name}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	held, err := p.server.Lock(context.Background(), "keyspace", p.name)
	if err != nil {
		return err
	}
	p.held = held
	holds(driver.Tellers{"Check": func() bool { return held.Check(context.Background()) == nil }})
	return nil
}

func (p *program) Release() error { return p.held.Unlock(context.Background()) }
func (p *program) Close()         { p.server.Close() }
