package election

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/zk"
)

// waitChanged returns when something may have changed: the watch fired, ended
// with its session, or was not restored after a reconnect.
func waitChanged(ctx context.Context, w *zk.Watch) error {
	_, err := w.Wait(ctx)
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

// look reads who leads, and watches for changes. While there is a leader it
// watches that node alone: others queue behind it, so that nobody else is first
// before the node goes. While there is none it watches the directory.
func (e *Election) look(ctx context.Context) (Observation, *zk.Watch, error) {
	for {
		names, err := e.queue.Names(ctx)
		if err != nil {
			return Observation{}, nil, err
		}
		if len(names) > 0 {
			o, w, err := e.watchLeader(ctx, zk.Join(e.dir, names[0]))
			if errors.Is(err, zk.ErrNoNode) {
				continue // gone meanwhile: another is first
			}
			return o, w, err
		}
		names, w, err := e.queue.WatchNames(ctx)
		if err == nil && len(names) > 0 {
			w.Stop() // one has come between the two reads
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
