package election_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// failures: 127: a node of another recipe in the directory is an error. Nodes of no
// contender are ignored, even if their names look almost like ours.
func TestElection_ForeignNames(t *testing.T) {
	const uuid, hex = "01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef"
	for name, want := range map[string]error{
		"config": nil, "_c_" + uuid + "-zz-latch-0000000000": nil, "_c_" + uuid + "-z1-z1-latch-0000000000": nil,
		"0000000000":                          election.ErrForeign,
		"_c_" + uuid + "-lock-0000000000":     election.ErrForeign,
		"_c_" + uuid + "-__READ__0000000000":  election.ErrForeign,
		hex + "__lock__0000000000":            election.ErrForeign,
		"_c_" + uuid + "-latch-0000000000":    context.DeadlineExceeded, // Curator's: ahead of us
		"_c_" + uuid + "-z3-latch-0000000000": context.DeadlineExceeded, // ours
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/e/"+name, nil))
				require.NoError(t, srv.SetSequence("/e", 1))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				l, err := election.New(connect(t, srv), "/e", election.Config{}).Campaign(ctx)
				require.ErrorIs(t, err, want)
				if err == nil {
					require.NoError(t, l.Resign(t.Context()))
				}
				time.Sleep(time.Second) // the node of a campaign that gave up is deleted in the background
				require.Equal(t, []string{name}, srv.Children("/e"))
				require.NoError(t, srv.Delete("/e/"+name))
			})
		})
	}
}

// failures: 126: many goroutines use one Election. Each campaign is a candidate of its
// own, and one leads at a time. An Election can be used again after a campaign that
// gave up.
func TestElection_IsSharedByManyGoroutines(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		e := election.New(connect(t, srv), "/e", election.Config{ID: "a"})
		over, cancel := context.WithCancel(t.Context())
		cancel()
		leading := 0 // the race detector looks at it
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := e.Campaign(over)
				require.ErrorIs(t, err, context.Canceled)
				l, err := e.Campaign(t.Context())
				require.NoError(t, err)
				leading++
				require.Equal(t, 1, leading)
				time.Sleep(time.Millisecond)
				leading--
				var ends sync.WaitGroup
				for range 3 {
					ends.Go(func() { require.NoError(t, l.Resign(t.Context())) })
				}
				ends.Wait()
			})
		}
		all.Wait()
	})
}
