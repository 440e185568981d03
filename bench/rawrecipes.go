package main

import (
	"context"
	"errors"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// rawMutex is the least that a lock can be for one who is alone: a node, a list
// in the same packet, and a delete.
type rawMutex struct {
	r    *rawClient
	join []byte
}

func newRawMutex(addr, path string) (mutex, error) {
	c, err := dialRaw(addr)
	if err != nil {
		return nil, err
	}
	r := c.(*rawClient)
	if err := r.ensure(path); err != nil {
		return nil, errors.Join(err, r.close())
	}
	list := r.frame(proto.OpGetChildren2, path, noWatch)
	return &rawMutex{r, append(append([]byte(nil), r.create(path+"/lock-", proto.FlagEphemeralSequential)...), list...)}, nil
}

func (m *rawMutex) acquire(context.Context) (func() error, error) {
	b, err := m.r.call(m.join)
	if err != nil {
		return nil, err
	}
	own := append([]byte(nil), b[16:]...)
	if b, err = m.r.reply(); err != nil {
		return nil, err
	}
	if names := proto.NewReader(b[16:]).Strings(); len(names) != 1 {
		return nil, errors.New("bench: raw: not alone")
	}
	return func() error { return m.r.remove(own) }, nil
}

func (m *rawMutex) close() error { return m.r.close() }

// ensure makes a directory.
func (r *rawClient) ensure(path string) error {
	if r.exists(path) == nil {
		return nil
	}
	_, err := r.call(r.create(path, proto.FlagPersistent))
	return err
}

// rawSucceeds is the least that a hand-over takes: one session ends, and another
// is told that its node has gone.
func rawSucceeds(addr, path string) (time.Duration, error) {
	first, err := dialRaw(addr)
	if err != nil {
		return 0, err
	}
	a := first.(*rawClient)
	defer a.nc.Close() // on errors
	second, err := dialRaw(addr)
	if err != nil {
		return 0, err
	}
	defer second.close()
	b := second.(*rawClient)
	if err := a.ensure(path); err != nil {
		return 0, err
	}
	node, err := a.call(a.create(path+"/n-", proto.FlagEphemeralSequential))
	if err != nil {
		return 0, err
	}
	name := proto.NewReader(node[16:]).String()
	watched := func(b []byte) []byte { return append(b, 1) }
	if _, err := b.call(b.frame(proto.OpExists, name, watched)); err != nil {
		return 0, err
	}
	told := make(chan error, 1)
	var at time.Time
	go func() {
		_, err := b.reply()
		at = time.Now()
		told <- err
	}()
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	err = a.close()
	if err = errors.Join(err, <-told); err != nil {
		return 0, err
	}
	return at.Sub(start), nil
}
