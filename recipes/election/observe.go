package election

import (
	"context"
	"errors"

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

// wait returns when something may have changed: a watch fired or ended with its
// session, or the connection was lost.
func (w watches) wait(ctx context.Context, c *zk.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	changed := errors.New("changed")
	go func() { // ends with ctx, which wait ends
		for s := range c.States(ctx) {
			if s != zk.StateConnected {
				cancel(changed)
				return
			}
		}
	}()
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
	if errors.Is(err, changed) || errors.Is(err, zk.ErrSessionExpired) {
		return nil
	}
	return err
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
