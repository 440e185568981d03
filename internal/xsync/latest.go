package xsync

import (
	"context"
	"iter"
)

// Latest yields a state now, and the latest one after each change, until ctx ends. A
// slow reader skips states, but always reaches the latest.
//
// current returns the state, a version that is another one after each change, and the
// channel C of a Broadcast, all three under one hold of the mutex that guards them.
func Latest[S any, V comparable](ctx context.Context, current func() (state S, version V, changed <-chan struct{})) iter.Seq[S] {
	return func(yield func(S) bool) {
		var seen V
		for first := true; ; first = false {
			state, version, changed := current()
			if first || version != seen {
				seen = version
				if !yield(state) {
					return
				}
				continue
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}
