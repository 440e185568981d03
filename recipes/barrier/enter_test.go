package barrier_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// parties returns a barrier's view of n clients.
func parties(t testing.TB, srv *zktest.Server, n, declared int) (clients []*zk.Client, doubles []*barrier.Double) {
	for range n {
		c := connect(t, srv)
		clients = append(clients, c)
		doubles = append(doubles, barrier.NewDouble(c, "/b", declared, barrier.DoubleConfig{}))
	}
	return clients, doubles
}

// crash opens a round of two, of which both members die, and leaves the ready node.
func crash(t testing.TB, srv *zktest.Server) {
	clients, d := parties(t, srv, 2, 2)
	a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
	ea, eb := a.in(t), b.in(t)
	for i, e := range []*barrier.Entry{ea, eb} {
		require.NoError(t, srv.ExpireSession(clients[i].Session().ID()))
		<-e.Context().Done()
	}
	synctest.Wait()
	require.Equal(t, []string{"ready"}, srv.Children("/b"))
	require.ErrorIs(t, ea.Leave(t.Context()), barrier.ErrLost)
	require.ErrorIs(t, eb.Leave(t.Context()), barrier.ErrLost)
	require.Equal(t, []string{"ready"}, srv.Children("/b"), "without a node of one's own nothing is changed")
}

func TestDouble_LetsAllInTogetherRoundAfterRound(t *testing.T) {
	inBubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		_, d := parties(t, srv, 3, 3)
		var last int64
		for range 10 {
			a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
			require.True(t, a.waits())
			require.True(t, b.waits())
			time.Sleep(time.Minute)
			require.True(t, a.waits())
			c := enter(t.Context(), d[2])
			entries := []*barrier.Entry{a.in(t), b.in(t), c.in(t)}
			for _, e := range entries {
				require.NoError(t, e.Context().Err())
				require.Equal(t, entries[0].Round(), e.Round())
				require.Greater(t, e.Round(), last)
				require.Len(t, e.Members(), 3)
			}
			last = entries[0].Round()
			left := make(chan error)
			go func() { left <- entries[0].Leave(t.Context()) }()
			synctest.Wait()
			require.ErrorIs(t, context.Cause(entries[0].Context()), barrier.ErrLeft)
			time.Sleep(time.Minute)
			require.Empty(t, left, "the others are still inside")
			leaveAll(t, entries[1:]...)
			require.NoError(t, <-left)
			require.NoError(t, entries[0].Leave(t.Context()), "idempotent")
			require.Empty(t, srv.Children("/b"))
		}
	})
}

// The directory is a container that the server removes between rounds, at any
// moment.
func TestDouble_DirectoryComesAndGoes(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, d := parties(t, srv, 2, 2)
		for range 3 {
			var mu sync.Mutex // guards removed, which the connections of both parties use
			removed := 0
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				mu.Lock()
				defer mu.Unlock()
				if r.Op != "create" || len(r.Path) <= len("/b/") || removed == 3 {
					return zktest.Pass
				}
				if srv.Delete("/b") == nil { // on an error the other party's request has deleted it already
					removed++
				}
				return zktest.Fail(int32(zk.ErrNoNode)) // even if the other party has created it again
			})
			a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
			leaveAll(t, a.in(t), b.in(t))
			require.Equal(t, 3, removed, "between the making of the directory and that of the member")
			time.Sleep(3 * time.Minute)
			require.False(t, srv.Exists("/b"))
		}
	})
}

// A client does not know yet that its session is over. Enter joins in the next session.
func TestDouble_JoinsInTheNextSession(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		clients, d := parties(t, srv, 1, 1)
		old := clients[0].Session().ID()
		srv.Down(0, true)
		require.NoError(t, srv.ExpireSession(old))
		synctest.Wait() // until the client has noticed that it cannot send
		a := enter(t.Context(), d[0])
		require.True(t, a.waits())
		srv.Down(0, false)
		e := a.in(t)
		require.Equal(t, clients[0].Session().ID(), srv.Owner(e.Path()))
		require.NotEqual(t, old, srv.Owner(e.Path()))
		leaveAll(t, e)
	})
}

// A join wakes no member, and a round wakes each member once. So the cost for each
// party does not grow with the number of parties.
func TestDouble_JoinWakesNoWaiter(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		cost := func(n int) float64 {
			_, d := parties(t, srv, n, n)
			before := srv.Requests()
			var all []*entering
			for i := range n {
				all = append(all, enter(t.Context(), d[i]))
				synctest.Wait()
			}
			var entries []*barrier.Entry
			for _, e := range all {
				entries = append(entries, e.in(t))
			}
			perParty := float64(srv.Requests()-before) / float64(n)
			leaveAll(t, entries...)
			return perParty
		}
		cost(1) // creates the directory
		require.InDelta(t, cost(4), cost(24), 2)
	})
}

// failures: 85: Enter returns an error, or the party was let in together with all
// others.
func TestDouble_ErrorWhileEnteringIsReturned(t *testing.T) {
	noAuth := func(srv *zktest.Server, op string) {
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == op {
				return zktest.Fail(-102)
			}
			return zktest.Pass
		})
	}
	for name, c := range map[string]struct {
		happen func(srv *zktest.Server, c *zk.Client, cancel func())
		want   error
	}{
		"expired": {func(srv *zktest.Server, c *zk.Client, _ func()) { _ = srv.ExpireSession(c.Session().ID()) }, zk.ErrSessionExpired},
		"long outage": {func(srv *zktest.Server, _ *zk.Client, _ func()) {
			srv.Down(0, true)
			time.Sleep(time.Minute)
			srv.Down(0, false)
		}, zk.ErrSessionExpired},
		"node deleted": {func(srv *zktest.Server, _ *zk.Client, _ func()) { _ = srv.Delete("/b/" + srv.Children("/b")[0]) }, barrier.ErrDeleted},
		"ctx":          {func(_ *zktest.Server, _ *zk.Client, cancel func()) { cancel() }, context.Canceled},
		"no auth": {func(srv *zktest.Server, _ *zk.Client, _ func()) {
			noAuth(srv, "get")
			_ = srv.Create("/b/ready", nil) // wakes the member
			time.Sleep(time.Second)
			srv.OnRequest(nil)
			_ = srv.Delete("/b/ready")
		}, zk.ErrNoAuth},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				clients, d := parties(t, srv, 1, 3)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				a := enter(ctx, d[0])
				require.True(t, a.waits())
				c.happen(srv, clients[0], cancel)
				require.ErrorIs(t, a.failed(), c.want)
				require.ErrorContains(t, a.err, "/b")
				require.Nil(t, a.e)
			})
		})
	}
	for _, op := range []string{"create", "exists", "get", "children", "multi"} {
		t.Run("no auth for "+op, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				_, d := parties(t, srv, 1, 1)
				noAuth(srv, op)
				e, err := d[0].Enter(t.Context())
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.Nil(t, e)
			})
		})
	}
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		_, err := barrier.NewDouble(c, "/b", 0, barrier.DoubleConfig{}).Enter(t.Context())
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.ErrorContains(t, err, "0 parties")
		_, err = barrier.NewDouble(c, "/b/", 1, barrier.DoubleConfig{}).Enter(t.Context())
		require.ErrorIs(t, err, zk.ErrInvalidPath)
	})
}

// A member is named in a round, and its node is deleted before it notices. Enter
// returns no Entry.
func TestDouble_NamedWithoutItsNodeIsNotLetIn(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		clients, d := parties(t, srv, 2, 2)
		slow := clients[0].Session().ID()
		a := enter(t.Context(), d[0])
		require.True(t, a.waits())
		own := "/b/" + srv.Children("/b")[0]
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == slow && r.Path == "/b/ready" && srv.Exists(own) {
				require.NoError(t, srv.Delete(own))
			}
			return zktest.Pass
		})
		e, err := d[1].Enter(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, a.failed(), barrier.ErrDeleted)
		require.NoError(t, e.Leave(t.Context()))
	})
}

// failures: 86: the ready node of a crashed round lets nobody in.
func TestDouble_StaleReadyOpensNothing(t *testing.T) {
	for name, leave := range map[string]func(t testing.TB, srv *zktest.Server){
		"ours": crash,
		"Curator's or kazoo's": func(t testing.TB, srv *zktest.Server) {
			require.NoError(t, srv.Create("/b/ready", []byte("10.0.0.7")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				leave(t, srv)
				_, d := parties(t, srv, 3, 3)
				a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
				time.Sleep(time.Hour)
				require.True(t, a.waits())
				require.True(t, b.waits())
				require.NotContains(t, srv.Children("/b"), "ready", "cleaned")
				c := enter(t.Context(), d[2])
				leaveAll(t, a.in(t), b.in(t), c.in(t))
			})
		})
	}
}

// failures: 86: a member wants to delete the ready node of a crashed round, and is
// late. It does not delete that of the next round.
func TestDouble_LateSweepLeavesTheNextRoundAlone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		crash(t, srv)
		clients, d := parties(t, srv, 2, 2)
		late := clients[0].Session().ID()
		held, let := make(chan struct{}), make(chan struct{})
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && r.Session == late {
				late = 0
				close(held)
				<-let
			}
			return zktest.Pass
		})
		a := enter(t.Context(), d[0])
		<-held
		eb, err := d[1].Enter(t.Context()) // deletes ready and opens a round with a
		require.NoError(t, err)
		close(let)
		ea := a.in(t)
		require.Equal(t, eb.Round(), ea.Round())
		require.NoError(t, eb.Context().Err())
		leaveAll(t, ea, eb)
	})
}

// The directory is a container. It was removed and created again in the meantime, so
// that its version is the same as before. A member whose node is gone changes nothing.
func TestDouble_LateSweepLeavesANewDirectoryAlone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		crash(t, srv)
		clients, d := parties(t, srv, 3, 2)
		late := clients[0].Session().ID()
		held, let := make(chan struct{}), make(chan struct{})
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "multi" && r.Session == late {
				close(held)
				<-let
			}
			return zktest.Pass
		})
		a := enter(t.Context(), d[0])
		<-held
		for _, name := range srv.Children("/b") {
			require.NoError(t, srv.Delete("/b/"+name))
		}
		srv.Reap()
		require.False(t, srv.Exists("/b"))
		b, c := enter(t.Context(), d[1]), enter(t.Context(), d[2])
		eb, ec := b.in(t), c.in(t)
		round, _ := srv.Get("/b/ready")
		close(let)
		require.ErrorIs(t, a.failed(), barrier.ErrDeleted)
		now, _ := srv.Get("/b/ready")
		require.Equal(t, string(round), string(now))
		leaveAll(t, eb, ec)
	})
}

// Every reply is lost once, at each try, with the request done and not done.
func TestDouble_LostRepliesAreSettled(t *testing.T) {
	for _, v := range map[string]zktest.Verdict{"after": zktest.DropReplyAndCut, "before": zktest.CutBefore} {
		for _, op := range []string{"create", "exists", "get", "children", "multi", "delete", "sync"} {
			for stale := range 2 {
				t.Run(op, func(t *testing.T) {
					inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
						if stale == 1 {
							crash(t, srv)
						}
						_, d := parties(t, srv, 2, 2)
						var lost atomic.Int32
						srv.OnRequest(func(r zktest.Request) zktest.Verdict {
							if r.Op == op {
								if n := lost.Add(1); n%2 == 1 && n < 12 {
									return v
								}
							}
							return zktest.Pass
						})
						for range 3 {
							a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
							ea, eb := a.in(t), b.in(t)
							require.Equal(t, ea.Round(), eb.Round())
							leaveAll(t, ea, eb)
							require.Empty(t, srv.Children("/b"))
						}
						require.NotZero(t, lost.Load())
					})
				})
			}
		}
	}
}

// There are more members than parties. The one that came last gets an error, and the
// others are let in.
func TestDouble_TooManyIsRefused(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		clients, d := parties(t, srv, 3, 2)
		slow := clients[1].Session().ID()
		let := make(chan struct{})
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == slow && r.Op == "exists" {
				<-let // its node is there, and it has not read the directory yet
			}
			return zktest.Pass
		})
		a := enter(t.Context(), d[0])
		require.True(t, a.waits())
		b := enter(t.Context(), d[1])
		require.True(t, b.waits())
		_, err := d[2].Enter(t.Context())
		require.ErrorIs(t, err, barrier.ErrTooMany)
		require.ErrorContains(t, err, "3 members for 2 parties")
		require.Len(t, srv.Children("/b"), 2)
		fourth := connect(t, srv) // its node is there when b reads the directory
		_, err = fourth.Create(t.Context(), "/b/"+curatorName, nil, zk.Ephemeral)
		require.NoError(t, err)
		close(let)
		ea, eb := a.in(t), b.in(t)
		require.NoError(t, fourth.Delete(t.Context(), "/b/"+curatorName, zk.AnyVersion))

		// While a round is open, a third member waits for the next.
		c := enter(t.Context(), d[2])
		require.True(t, c.waits())
		leaveAll(t, ea, eb)
		require.True(t, c.waits())
		e, err := d[0].Enter(t.Context())
		require.NoError(t, err)
		leaveAll(t, e, c.in(t))
	})
}

// Members that wait during a round are let in together when all members of that round
// have died.
func TestDouble_WaitersContinueWhenTheRoundBeforeDies(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		clients, d := parties(t, srv, 4, 2)
		a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
		ea, eb := a.in(t), b.in(t)
		c, e := enter(t.Context(), d[2]), enter(t.Context(), d[3])
		require.True(t, c.waits())
		require.NoError(t, srv.ExpireSession(clients[0].Session().ID()))
		require.True(t, c.waits())
		require.True(t, e.waits())
		require.NoError(t, srv.ExpireSession(clients[1].Session().ID()))
		ec, ee := c.in(t), e.in(t)
		require.Equal(t, ec.Round(), ee.Round())
		require.NotEqual(t, ea.Round(), ec.Round())
		leaveAll(t, ec, ee)
		require.ErrorIs(t, ea.Leave(t.Context()), barrier.ErrLost)
		require.ErrorIs(t, eb.Leave(t.Context()), barrier.ErrLost)
	})
}

// failures: 87: only a round lets a member in.
func TestDouble_EventsAloneAdmitNoParty(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		_, d := parties(t, srv, 3, 3)
		a, b := enter(t.Context(), d[0]), enter(t.Context(), d[1])
		for _, happen := range []func(){
			func() { srv.CutConnections(0) },
			func() { require.NoError(t, srv.Set("/b", []byte("theirs"))) },
			func() { require.NoError(t, srv.Create("/b/config", nil)) },
			func() { require.NoError(t, srv.Create("/b/_c_notes", nil)) },
			func() { require.NoError(t, srv.Set("/b/"+srv.Children("/b")[0], nil)) },
			func() { require.NoError(t, srv.Create("/b/ready", []byte("zookit round\nsomebody\nelse"))) },
		} {
			happen()
			time.Sleep(time.Minute)
			require.True(t, a.waits())
			require.True(t, b.waits())
		}
		c := enter(t.Context(), d[2])
		leaveAll(t, a.in(t), b.in(t), c.in(t))
		data, _ := srv.Get("/b")
		require.Equal(t, "theirs", string(data), "the directory's data is left as it is")
		require.NoError(t, srv.Delete("/b/config"))
		require.NoError(t, srv.Delete("/b/_c_notes"))
	})
}
