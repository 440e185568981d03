package election

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/zk"
)

// watches are what wakes an observer: the list of candidates, and the leader's
// data.
type watches []*zk.Watch

func (w watches) stop() {
	for _, one := range w {
		one.Stop()
	}
}

// wait returns when something may have changed: a watch fired, ended with its
// session, or was not restored after a reconnect.
func (w watches) wait(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	changed := errors.New("changed")
	fired := make(chan error, len(w))
	for _, one := range w {
		go func() {
			_, err := one.Wait(ctx)
			fired <- err
		}()
	}
	err := <-fired
	cancel(changed)
	for range len(w) - 1 {
		<-fired
	}
	if errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrWatchLost) {
		return nil
	}
	return err
}

// errCutOff is why the context of whileConnected ended.
var errCutOff = errors.New("connection lost")

// whileConnected returns a context that ends when the connection is lost, and at
// once if there is none. stop ends it, and joins what watches the connection.
func whileConnected(ctx context.Context, c *zk.Client) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	var watcher sync.WaitGroup
	watcher.Go(func() {
		seen := false
		for s := range c.States(ctx) {
			// States may skip some: connected twice means that it was lost between.
			if seen || s != zk.StateConnected {
				end(errCutOff)
				return
			}
			seen = true
		}
	})
	return ctx, func() {
		end(nil)
		watcher.Wait()
	}
}

// look reads who leads, and watches for changes.
func (e *Election) look(ctx context.Context) (Observation, watches, error) {
	for {
		_, _, list, err := e.c.ChildrenW(ctx, e.dir)
		if errors.Is(err, zk.ErrNoNode) {
			_, ok, w, err := e.c.ExistsW(ctx, e.dir)
			if err == nil && ok {
				w.Stop() // it came between the two reads
				continue
			}
			return Observation{State: Vacant}, watches{w}, err
		}
		if err != nil {
			return Observation{}, nil, err
		}
		l, ok, err := e.queue.First(ctx)
		if err != nil || !ok {
			if err != nil {
				list.Stop()
			}
			return Observation{State: Vacant}, watches{list}, err
		}
		n, data, err := e.c.GetW(ctx, l.Path)
		if errors.Is(err, zk.ErrNoNode) {
			list.Stop() // gone meanwhile
			continue
		}
		if err != nil {
			list.Stop()
			return Observation{}, nil, err
		}
		l.Data = n.Data
		return Observation{State: Led, Leader: l}, watches{list, data}, nil
	}
}
