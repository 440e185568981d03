package election

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/zk"
)

// errCutOff is the cause of whileConnected's context.
var errCutOff = errors.New("connection lost")

// whileConnected returns a context that ends when the connection is lost. If there is
// none, the context has ended already. stop ends it, and waits for the goroutine that
// watches the connection.
//
// whileConnected returns when that goroutine has looked at the connection. If it looked
// later, a connection that was lost and came back in the meantime would be the first
// that it sees, and the context would not end.
func whileConnected(ctx context.Context, c *zk.Client, l label.Label) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	looked := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		l.Set()
		defer end(errCutOff)
		seen := false
		for s := range c.States(ctx) {
			// States may skip states: connected twice means that the connection was lost
			// in between.
			if seen || s != zk.StateConnected {
				return
			}
			seen = true
			close(looked)
		}
	})
	select {
	case <-looked:
	case <-ctx.Done():
	}
	return ctx, func() {
		end(nil)
		watcher.Wait()
	}
}

// look reads the leader and watches for changes. If there is a leader, it watches
// the leader's node alone: others join behind it, so nobody else is first before that
// node is deleted. If there is none, it watches the directory.
func (e *Election) look(ctx context.Context) (Observation, *zk.Watch, error) {
	for {
		names, err := e.queue.Names(ctx)
		if err != nil {
			return Observation{}, nil, err
		}
		if len(names) > 0 {
			o, w, err := e.watchLeader(ctx, zk.Join(e.dir, names[0]))
			if errors.Is(err, zk.ErrNoNode) {
				continue // deleted in the meantime: another candidate is first now
			}
			return o, w, err
		}
		names, w, err := e.queue.WatchNames(ctx)
		if err == nil && len(names) > 0 {
			w.Stop() // a candidate has joined between the two reads
			continue
		}
		return Observation{State: Vacant}, w, err
	}
}

// watchLeader reads the node of the first candidate, and watches it.
func (e *Election) watchLeader(ctx context.Context, path string) (Observation, *zk.Watch, error) {
	n, w, err := e.c.GetW(ctx, path)
	if err != nil {
		return Observation{}, nil, err
	}
	return Observation{State: Led, Leader: contend.ContenderOf(path, n)}, w, nil
}
