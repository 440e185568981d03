// A program with the lock of kvtools/valkeyrie on ZooKeeper.
package main

import (
	"context"
	"time"

	"github.com/kvtools/valkeyrie/store"
	"github.com/kvtools/zookeeper"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	store store.Store
	lock  store.Locker
}

func open(o driver.Options) (driver.Program, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := zookeeper.New(ctx, o.Servers, &zookeeper.Config{ConnectionTimeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	lock, err := s.NewLock(ctx, o.Dir[1:]+"/lock", &store.LockOptions{Value: []byte(o.Name)})
	if err != nil {
		return nil, err
	}
	if _, err := s.Exists(ctx, o.Dir[1:], nil); err != nil { // waits for the session
		return nil, err
	}
	return &program{store: s, lock: lock}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	lost, err := p.lock.Lock(context.Background())
	if err != nil {
		return err
	}
	holds(driver.Tellers{"the channel": func() bool {
		select {
		case <-lost:
			return false
		default:
			return true
		}
	}})
	return nil
}

func (p *program) Release() error { return p.lock.Unlock(context.Background()) }
func (p *program) Close()         { _ = p.store.Close() }
