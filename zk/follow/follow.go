// Package follow yields the states of a node, one after the other. It does with a
// [zk.Client] what a program would do by hand: read and set a watch, wait for the
// watch, and read again.
//
//	for node, err := range follow.Data(ctx, client, "/config") {
//		if err != nil {
//			return err // ctx has ended, or a retry does not help
//		}
//		apply(node) // nil: there is no such node
//	}
//
// A follower goes on over reconnects and expired sessions. It costs a watch, and a
// read for each state. It runs on the goroutine of the loop and starts no other.
//
// [Servers] follows the configuration of the ensemble instead of a node, and applies it to
// the client.
//
// To see every change of a subtree, subscribe instead: see
// [zk.Client.Subscribe].
package follow

import (
	"context"
	"errors"
	"iter"

	"github.com/zookit/zookit/internal/notice"
	"github.com/zookit/zookit/zk"
)

// Data yields the present state of a node and then each newer one. It may skip
// states, but always reaches the latest. nil stands for a node that does not exist.
//
// It goes on over reconnects and expired sessions. When ctx ends, or on an error for
// which a retry does not help, it yields the error and stops. When the loop body
// breaks out of the loop, the watch is removed.
func Data(ctx context.Context, c *zk.Client, path string) iter.Seq2[*zk.Node, error] {
	return states(ctx, c, path, func() (*zk.Node, *zk.Watch, error) {
		n, w, err := c.GetW(ctx, path)
		return &n, w, err
	})
}

// Children is Data for the list of a node's children. An empty list and no node are
// two states: a listing without names, and nil.
func Children(ctx context.Context, c *zk.Client, path string) iter.Seq2[*zk.Listing, error] {
	return states(ctx, c, path, func() (*zk.Listing, *zk.Watch, error) {
		names, stat, w, err := c.ChildrenW(ctx, path)
		return &zk.Listing{Names: names, Stat: stat}, w, err
	})
}

// states reads, yields, and waits for the watch that the read has set.
func states[R any](ctx context.Context, c *zk.Client, path string, read func() (*R, *zk.Watch, error)) iter.Seq2[*R, error] {
	return func(yield func(*R, error) bool) {
		for {
			v, w, err := state(ctx, c, path, read)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(v, nil) {
				w.Stop()
				return
			}
			if err := notice.Await(ctx, w); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// state returns the present state, and a watch that fires when it is no longer the
// present one. If there is no node, the state is nil, and the watch is that of an
// exists.
func state[R any](ctx context.Context, c *zk.Client, path string, read func() (*R, *zk.Watch, error)) (*R, *zk.Watch, error) {
	var pause func() error // made at the first need
	for {
		v, w, err := read()
		if !errors.Is(err, zk.ErrNoNode) {
			return v, w, err
		}
		_, there, w, err := c.ExistsW(ctx, path)
		if err != nil || !there {
			return nil, w, err
		}
		// The node was created between the two reads: read it again. The pause
		// prevents a storm of requests at a server whose reads contradict each other.
		w.Stop()
		if pause == nil {
			pause = c.Pauses(ctx)
		}
		if err := pause(); err != nil {
			return nil, nil, err
		}
	}
}
