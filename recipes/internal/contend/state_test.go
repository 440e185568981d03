package contend

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// For each state: whether an exchange or a Release may begin, at once or only when
// another has ended, and the state after that.
func TestLife_WhatMayBeginInEachState(t *testing.T) {
	const waits = state(100)
	for from, want := range map[state]struct{ exchange, release state }{
		held:       {exchanging, releasing},
		exchanging: {waits, waits},
		settling:   {waits, waits},
		unsure:     {unsure, releasing},
		releasing:  {waits, waits},
		left:       {left, releasing},
		gone:       {gone, gone},
		passed:     {passed, passed},
	} {
		for to, want := range map[state]state{exchanging: want.exchange, releasing: want.release} {
			synctest.Test(t, func(t *testing.T) {
				over, cancel := context.WithCancel(t.Context())
				cancel()
				l := &life{state: from, over: make(chan struct{})}
				if was, err := l.begin(over, to); want != waits {
					require.NoError(t, err, "%d to %d: it does not look first", from, to)
					require.Equal(t, from, was)
					require.Equal(t, want, l.state)
					return
				} else {
					require.ErrorIs(t, err, context.Canceled)
					require.Equal(t, from, l.state)
				}
				began := false
				go func() {
					was, err := l.begin(t.Context(), to)
					require.NoError(t, err)
					require.Equal(t, held, was)
					began = true
				}()
				synctest.Wait()
				require.False(t, began, "%d to %d", from, to)
				l.set(held)
				synctest.Wait()
				require.True(t, began)
				require.Equal(t, to, l.state)
			})
		}
	}
}

// Once the janitor has the nodes, they need no watch any more, even while another
// Release deletes them.
func TestLife_Over(t *testing.T) {
	l := &life{over: make(chan struct{})}
	for _, s := range []state{exchanging, settling, held, releasing} {
		l.set(s)
		require.False(t, l.ended(), "%d", s)
	}
	for _, s := range []state{left, releasing, left, gone} {
		l.set(s)
		require.True(t, l.ended(), "%d", s)
	}
}
