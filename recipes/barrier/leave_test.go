package barrier_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// inside lets n parties in, and returns them in the order of their names, lowest first.
func inside(t testing.TB, srv *zktest.Server, n int) ([]*zk.Client, []*barrier.Entry) {
	t.Helper()
	clients, d := parties(t, srv, n, n)
	var waiting []*entering
	for i := range n {
		waiting = append(waiting, enter(t.Context(), d[i]))
	}
	type party struct {
		c *zk.Client
		e *barrier.Entry
	}
	var all []party
	for i, w := range waiting {
		all = append(all, party{clients[i], w.in(t)})
	}
	slices.SortFunc(all, func(a, b party) int {
		if a.e.Path() < b.e.Path() {
			return -1
		}
		return 1
	})
	var entries []*barrier.Entry
	for i, p := range all {
		clients[i], entries = p.c, append(entries, p.e)
	}
	return clients, entries
}

func leaving(ctx context.Context, e *barrier.Entry) <-chan error {
	done := make(chan error, 1)
	go func() { done <- e.Leave(ctx) }()
	synctest.Wait()
	return done
}

// failures: 89: Leave does not wait for a party that has died between Enter and Leave.
// This is tested for each party that dies, and for each that is leaving already.
func TestDouble_LeaveDoesNotHangOnTheDead(t *testing.T) {
	for dead := range 3 {
		for _, first := range []bool{true, false} {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				clients, e := inside(t, srv, 3)
				die := func() { require.NoError(t, srv.ExpireSession(clients[dead].Session().ID())) }
				if first {
					die()
				}
				var left []<-chan error
				for i := range e {
					if i != dead {
						left = append(left, leaving(t.Context(), e[i]))
					}
				}
				if !first {
					require.Empty(t, left[0])
					require.Empty(t, left[1])
					die()
				}
				require.NoError(t, <-left[0])
				require.NoError(t, <-left[1])
				<-e[dead].Context().Done()
				require.ErrorIs(t, e[dead].Leave(t.Context()), barrier.ErrLost)
				if dead == 0 && !first {
					// The party that would have been the last has died. No other may delete
					// ready, so the next round does.
					require.Equal(t, []string{"ready"}, srv.Children("/b"))
					_, e := inside(t, srv, 2)
					leaveAll(t, e...)
				}
			})
		}
	}
}

// failures: 89: a Leave whose context ends returns at once, and its node is deleted.
func TestDouble_LeaveHonoursItsContext(t *testing.T) {
	for early := range 3 {
		inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			_, e := inside(t, srv, 3)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			start := time.Now()
			err := e[early].Leave(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.LessOrEqual(t, time.Since(start), time.Second+3*time.Millisecond)
			require.ErrorIs(t, context.Cause(e[early].Context()), barrier.ErrLeft)
			// The party with the lowest name stays to be the last. Its delete is not
			// confirmed.
			require.Equal(t, early == 0, errors.Is(err, zk.ErrUnconfirmed), "%v", err)
			time.Sleep(time.Second)
			require.False(t, srv.Exists(e[early].Path()))
			over, cancel := context.WithCancel(t.Context())
			cancel()
			require.Error(t, e[early].Leave(over))
			again := leaving(t.Context(), e[early])
			require.Empty(t, again, "another Leave still waits")
			for i := range e {
				if i != early {
					go func() { _ = e[i].Leave(context.Background()) }()
				}
			}
			require.NoError(t, <-again)
		})
	}
}

// A caller whose context has ended before the call still leaves.
func TestDouble_LeaveWithoutTimeLeavesNothing(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		over, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			_, e := inside(t, srv, 2)
			require.ErrorIs(t, e[0].Leave(over), zk.ErrUnconfirmed)
			require.ErrorIs(t, e[1].Leave(over), context.Canceled)
			time.Sleep(time.Second)
			require.Equal(t, []string{"ready"}, srv.Children("/b"))
		}
		_, e := inside(t, srv, 1)
		leaveAll(t, e...)
	})
}

// failures: 89: a barrier for two parties is used by three. None of them spins or hangs.
func TestDouble_ThirdOfTwoPartiesDisturbsNoRound(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, e := inside(t, srv, 2)
		_, d := parties(t, srv, 1, 2)
		third := enter(t.Context(), d[0])
		require.True(t, third.waits())
		requests := srv.Requests()
		first := leaving(t.Context(), e[0])
		time.Sleep(time.Minute)
		require.Empty(t, first)
		require.Less(t, srv.Requests()-requests, int64(1000), "nothing but heartbeats")
		require.NoError(t, e[1].Leave(t.Context()))
		require.NoError(t, <-first)
		require.True(t, third.waits())
		_, d = parties(t, srv, 1, 2)
		fourth, err := d[0].Enter(t.Context())
		require.NoError(t, err)
		leaveAll(t, fourth, third.in(t))
	})
}

// Entry.Context ends with everything that ends the membership, with its reason.
func TestDouble_ContextEndsOnEveryKindOfLoss(t *testing.T) {
	for name, loss := range map[string]struct {
		lose func(srv *zktest.Server, e *barrier.Entry, c *zk.Client)
		want error
	}{
		"silence": {func(srv *zktest.Server, _ *barrier.Entry, _ *zk.Client) { srv.Silence(0, true) }, zk.ErrLeaseLapsed},
		"deleted": {func(srv *zktest.Server, e *barrier.Entry, _ *zk.Client) { _ = srv.Delete(e.Path()) }, barrier.ErrDeleted},
		"deleted while away": {func(srv *zktest.Server, e *barrier.Entry, _ *zk.Client) {
			srv.Down(0, true)
			_ = srv.Delete(e.Path())
			srv.Down(0, false)
		}, barrier.ErrDeleted},
		"closed": {func(_ *zktest.Server, _ *barrier.Entry, c *zk.Client) { _ = c.Close(context.Background()) }, zk.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				clients, e := inside(t, srv, 1)
				time.Sleep(time.Minute)
				require.NoError(t, srv.Set(e[0].Path(), []byte("new"))) // does not end the entry
				time.Sleep(time.Second)
				require.NoError(t, e[0].Context().Err())
				start := time.Now()
				loss.lose(srv, e[0], clients[0])
				<-e[0].Context().Done()
				cause := context.Cause(e[0].Context())
				if loss.want != zk.ErrClosed || cause != barrier.ErrDeleted {
					// The server may report first that the node was deleted with its session.
					require.ErrorIs(t, cause, loss.want)
				}
				require.Less(t, time.Since(start), 6*time.Second, "the ensemble may have expired the session then")
				srv.Silence(0, false)
				err := e[0].Leave(t.Context())
				require.ErrorIs(t, err, barrier.ErrLost)
				require.ErrorIs(t, err, cause)
				_, e = inside(t, srv, 1)
				leaveAll(t, e...)
			})
		})
	}
}

// A Leave continues in a new session when the old one has expired.
func TestDouble_LeaveContinuesInTheNextSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		clients, e := inside(t, srv, 2)
		left := leaving(t.Context(), e[1])
		require.Empty(t, left)
		require.NoError(t, srv.ExpireSession(clients[1].Session().ID()))
		time.Sleep(time.Minute)
		require.Empty(t, left, "the other is still inside")
		require.NoError(t, e[0].Leave(t.Context()))
		require.NoError(t, <-left, "it was inside when it left")
	})
}

// Parties leave at once, with random delays and cut connections. No node is left
// behind, and the last one deletes ready.
func TestDouble_LeaveTogetherUnderCuts(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		for i := range 20 {
			_, e := inside(t, srv, 4)
			time.AfterFunc(time.Duration(i)*time.Millisecond, func() { srv.CutConnections(0) })
			srv.Delay(1+i%3, time.Duration(i)*time.Millisecond)
			leaveAll(t, e...)
			require.Empty(t, srv.Children("/b"))
		}
	})
}
