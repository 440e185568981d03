package xsync_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/xsync"
)

// number is a state that several goroutines follow.
type number struct {
	mu      sync.Mutex
	n       int
	changed xsync.Broadcast
}

func (x *number) current() (state, version int, changed <-chan struct{}) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.n, x.n, x.changed.C()
}

func (x *number) set(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.n = n
	x.changed.Notify()
}

// A reader gets the present state at once, also if its version is the zero value, and
// each change that it is quick enough for. A slow one skips some, and reaches the last.
func TestLatest_SkipsButReachesTheLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x number
		ctx, cancel := context.WithCancel(t.Context())
		var quick, slow []int
		var readers sync.WaitGroup
		readers.Go(func() {
			for n := range xsync.Latest(ctx, x.current) {
				quick = append(quick, n)
			}
		})
		readers.Go(func() {
			for n := range xsync.Latest(ctx, x.current) {
				slow = append(slow, n)
				time.Sleep(2600 * time.Millisecond)
			}
		})
		for i := range 5 {
			time.Sleep(time.Second)
			x.set(i + 1)
		}
		time.Sleep(time.Minute)
		cancel()
		readers.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5}, quick)
		require.Equal(t, []int{0, 2, 5}, slow)
	})
}

// A reader that breaks off ends the loop. So does the end of the context, but only when
// nothing new is there.
func TestLatest_Ends(t *testing.T) {
	var x number
	for range xsync.Latest(t.Context(), x.current) {
		break
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	var seen []int
	for n := range xsync.Latest(over, x.current) {
		seen = append(seen, n)
	}
	require.Equal(t, []int{0}, seen)
}
