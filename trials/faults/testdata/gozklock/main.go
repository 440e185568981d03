// A program with the lock of go-zookeeper/zk.
package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/go-zookeeper/zk"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	conn             *zk.Conn
	lock             *zk.Lock
	lost, terminated atomic.Int64 // connections, sessions
}

func open(o driver.Options) (driver.Program, error) {
	conn, events, err := zk.Connect(o.Servers, o.Timeout)
	if err != nil {
		return nil, err
	}
	p := &program{conn: conn, lock: zk.NewLock(conn, o.Dir+"/lock", zk.WorldACL(zk.PermAll))}
	ready := make(chan struct{})
	go func() {
		waiting := true
		for e := range events {
			if e.Type != zk.EventSession {
				continue
			}
			switch e.State {
			case zk.StateHasSession:
				if waiting {
					waiting = false
					close(ready)
				}
			case zk.StateDisconnected:
				p.lost.Add(1)
			case zk.StateExpired:
				p.terminated.Add(1)
			}
		}
	}()
	<-ready
	return p, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	lost, terminated := p.lost.Load(), p.terminated.Load()
	if err := p.lock.Lock(); err != nil {
		return fmt.Errorf("Lock: %w", err)
	}
	tellers := driver.Tellers{
		"nothing":           func() bool { return true },
		"StateExpired":      func() bool { return p.terminated.Load() == terminated },
		"StateDisconnected": func() bool { return p.lost.Load() == lost && p.terminated.Load() == terminated },
	}
	if l, ok := any(p.lock).(interface{ Context() context.Context }); ok {
		ctx := l.Context()
		tellers["Lock.Context"] = func() bool { return ctx.Err() == nil }
	}
	holds(tellers)
	return nil
}

func (p *program) Release() error { return p.lock.Unlock() }
func (p *program) Close()         { p.conn.Close() }
