package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// rawMutex is the smallest possible lock: a create and a list in the same packet, a
// watch on the predecessor, and a delete. It checks nothing twice. It does not notice
// when its own node is deleted.
type rawMutex struct {
	r    *rawClient
	end  func() // of the heartbeats
	dir  string
	list []byte
	join []byte
}

func newRawMutex(addr, path string) (mutex, error) {
	c, err := dialRaw(addr)
	if err != nil {
		return nil, err
	}
	r := c.(*rawClient)
	m := &rawMutex{r: r, end: r.beat(), dir: path + "/", list: r.frame(proto.OpGetChildren2, path, noWatch)}
	if err := r.ensure(path); err != nil {
		return nil, errors.Join(err, m.close())
	}
	m.join = slices.Concat(r.create(m.dir+"lock-", proto.FlagEphemeralSequential), m.list)
	return m, nil
}

func (m *rawMutex) acquire(context.Context) (func() error, error) {
	b, err := m.r.call(m.join)
	if err != nil {
		return nil, err
	}
	own := slices.Clone(b[16:])
	name := proto.NewReader(own).String()[len(m.dir):]
	for b, err = m.r.reply(); err == nil; b, err = m.r.call(m.list) {
		before, nearest := 0, ""
		for _, other := range proto.NewReader(b[16:]).Strings() {
			if other < name {
				before, nearest = before+1, max(nearest, other)
			}
		}
		if before > 0 {
			if err := m.r.outlast(m.dir + nearest); err != nil {
				return nil, err
			}
		}
		if before <= 1 {
			return func() error { return m.r.remove(own) }, nil
		}
	}
	return nil, err
}

// outlast returns when a node is deleted.
func (r *rawClient) outlast(path string) error {
	_, err := r.call(request(proto.OpGetData, path, watched))
	if err == nil {
		_, err = r.reply() // the event
	} else if errors.Is(err, code(proto.NoNode)) {
		err = nil
	}
	return err
}

func (m *rawMutex) close() error {
	defer m.end() // the last reply may need a heartbeat to arrive
	return m.r.close()
}

// ensure creates a directory if it does not exist.
func (r *rawClient) ensure(path string) error {
	if r.exists(path) == nil {
		return nil
	}
	_, err := r.call(r.create(path, proto.FlagPersistent))
	if errors.Is(err, code(proto.NodeExists)) { // by another contender
		err = nil
	}
	return err
}

// rawSucceeds measures the shortest possible hand-over: one session ends, and another
// one gets the event that its node was deleted.
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
