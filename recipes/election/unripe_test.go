package election_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/recipestest"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// unripe connects a client that has no lease yet.
func unripe(t *testing.T, srv *zktest.Server) *zk.Client {
	return recipestest.Unripe(t, srv, connect(t, srv))
}

// campaigns begins the campaign of a client.
func campaigns(t *testing.T, c *zk.Client, cfg election.Config) *standby {
	return campaignsAs(t, election.New(c, "/e", cfg))
}

// campaignsAs begins a campaign of an election.
func campaignsAs(t *testing.T, e *election.Election) *standby {
	s := &standby{leads: make(chan *election.Leadership, 1)}
	go func() {
		if l, err := e.Campaign(t.Context()); err == nil {
			s.leads <- l
		}
	}()
	synctest.Wait()
	return s
}

// A candidate that stands aside needs no lease. While it waited for one, nobody
// led.
func TestCampaign_StandsAsideWithoutALease(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, l *election.Leadership) error{
		"for a higher priority": func(t *testing.T, l *election.Leadership) error { return l.Resign(t.Context()) },
		"for a named candidate": func(t *testing.T, l *election.Leadership) error { return l.HandOver(t.Context(), "c") },
	} {
		for _, wait := range []time.Duration{0, 100 * time.Millisecond} { // before and after b gets ready
			t.Run(fmt.Sprint(name, " after ", wait), func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *zktest.Server) {
					a, c := connect(t, srv), connect(t, srv)
					l := <-campaigns(t, a, election.Config{}).leads
					b := unripe(t, srv)
					next := campaigns(t, b, election.Config{})
					last := campaigns(t, c, election.Config{ID: "c", Priority: 1})
					time.Sleep(wait)
					start := time.Now()
					require.NoError(t, end(t, l))
					cl := <-last.leads
					require.Less(t, time.Since(start), 100*time.Millisecond, "no candidate led")
					require.NoError(t, cl.Resign(t.Context()))
					require.NoError(t, (<-next.leads).Resign(t.Context()))
				})
			})
		}
	}
}

// A waiter that is next notices at once that its own node is gone, also while it
// waits for a lease.
func TestCampaign_SeesItsOwnEndWhileTheLeaseRipens(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		l := <-campaigns(t, connect(t, srv), election.Config{}).leads
		b := unripe(t, srv)
		next := campaigns(t, b, election.Config{})
		time.Sleep(100 * time.Millisecond)
		others := srv.Children("/e")
		require.Len(t, others, 2)
		own := others[slices.IndexFunc(others, func(n string) bool { return srv.Owner("/e/"+n) == b.Session().ID() })]
		require.NoError(t, srv.Delete("/e/"+own))
		time.Sleep(100 * time.Millisecond)
		require.Len(t, srv.Children("/e"), 2, "it is not in the queue")
		require.NoError(t, l.Resign(t.Context()))
		require.NoError(t, (<-next.leads).Resign(t.Context()))
	})
}

// A candidate is first, waits for its lease, and somebody deletes its node. It joins
// the queue again, and does not lead beside the next one.
func TestCampaign_ItsNodeIsDeletedWhileTheLeaseRipens(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, a *zk.Client, e *election.Election) *standby{
		"first from the start": func(t *testing.T, _ *zk.Client, e *election.Election) *standby {
			return campaignsAs(t, e)
		},
		"where others were before": func(t *testing.T, a *zk.Client, e *election.Election) *standby {
			l := <-campaigns(t, a, election.Config{}).leads
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			_, err := e.Campaign(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, l.Resign(t.Context()))
			return campaignsAs(t, e)
		},
		"after another": func(t *testing.T, a *zk.Client, e *election.Election) *standby {
			l := <-campaigns(t, a, election.Config{}).leads
			b := campaignsAs(t, e)
			time.Sleep(100 * time.Millisecond)
			require.NoError(t, l.Resign(t.Context()))
			return b
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				a := connect(t, srv)
				b := unripe(t, srv)
				next := first(t, a, election.New(b, "/e", election.Config{}))
				time.Sleep(100 * time.Millisecond)
				own := srv.Children("/e")
				require.Len(t, own, 1)
				require.Equal(t, b.Session().ID(), srv.Owner("/e/"+own[0]))
				require.Empty(t, next.leads, "it has a lease")
				other := campaigns(t, a, election.Config{})
				require.NoError(t, srv.Delete("/e/"+own[0]))
				l := <-other.leads
				synctest.Wait()
				assert.Len(t, srv.Children("/e"), 2, "it is not in the queue")
				time.Sleep(b.Session().Timeout())
				assert.Empty(t, next.leads, "Campaign has returned while another leads")
				require.NoError(t, l.Context().Err())
				require.NoError(t, l.Resign(t.Context()))
				require.NoError(t, (<-next.leads).Resign(t.Context()))
			})
		})
	}
}
