package presence_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 92: the next session finds the node of the one before, which the
// ensemble still knows. It is replaced at once, not adopted: it would go.
func TestNode_TakesOverItsOwnEarlierNode(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c, other := connect(t, srv), connect(t, srv)
		n := start(t, c, presence.Config{})
		first := await(t, n, registered)
		require.NoError(t, n.Update(t.Context(), []byte("2"))) // not version 0
		w, err := other.Subscribe(t.Context(), "/p/a")
		require.NoError(t, err)
		defer w.Close()

		forgotten := false
		srv.OnConnect(func(q zktest.Connect) zktest.Verdict {
			if q.Session == first.Session.ID() {
				forgotten = true
				return zktest.Fail(int32(zk.ErrSessionExpired))
			}
			return zktest.Pass
		})
		srv.Delay(1, 10*time.Millisecond)
		srv.CutConnections(1)
		began := time.Now()
		s := await(t, n, after(first))
		require.True(t, forgotten)
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, s.Session.ID(), srv.Owner("/p/a"))
		require.Greater(t, s.Czxid, first.Czxid)
		require.Contains(t, srv.Sessions(), first.Session.ID(), "the old session was to be alive")
		require.Equal(t, "2", data(t, other, "/p/a"))
		srv.OnConnect(nil)
		require.NoError(t, srv.ExpireSession(first.Session.ID()))
		time.Sleep(time.Second)
		require.Equal(t, s.Czxid, n.Status().Czxid, "the end of the old session changes nothing")
		require.Equal(t, presence.Registered, n.Status().State)
		require.NoError(t, n.Leave(t.Context()))
	})
}

// failures: 91, 94: sessions expire and replies are lost at random instants, also
// while the node is being created again. It is there again each time, once, and
// soon.
func TestNode_IsRegisteredAgainAfterEveryExpiry(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(strconv.Itoa(int(seed)), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				rnd := rand.New(rand.NewPCG(seed, 1))
				c := connect(t, srv)
				n := start(t, c, presence.Config{})
				s := await(t, n, registered)
				srv.Delay(1, 5*time.Millisecond)
				for i := range 100 {
					// A session that ends younger than that counts as part of a storm,
					// which the client meets with longer and longer pauses.
					time.Sleep(time.Second)
					for range 1 + rnd.IntN(3) {
						for _, id := range srv.Sessions() {
							require.NoError(t, srv.ExpireSession(id))
						}
						left := rnd.IntN(3)
						srv.OnRequest(func(zktest.Request) zktest.Verdict {
							if left--; left == 0 {
								return []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore}[i%2]
							}
							return zktest.Pass
						})
						time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
					}
					srv.OnRequest(nil)
					began := time.Now()
					s = await(t, n, func(now presence.Status) bool {
						return after(s)(now) && srv.Owner(now.Path) == now.Session.ID()
					})
					require.Less(t, time.Since(began), 2*time.Second)
					require.Equal(t, []string{"a"}, srv.Children("/p"))
					require.NoError(t, s.Context.Err())
				}
				require.NoError(t, n.Leave(t.Context()))
			})
		})
	}
}

// failures: 94: a try that fails is not the last.
func TestNode_RegistersWhateverFails(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		s := await(t, n, registered)
		verdicts := []zktest.Verdict{
			zktest.CutBefore, zktest.DropReplyAndCut, zktest.Fail(int32(zk.ErrConnectionLoss)), zktest.Fail(int32(zk.ErrSystemError)),
			zktest.Fail(int32(zk.ErrOperationTimeout)), zktest.CutReplyAfter(7), zktest.Hang, zktest.Fail(int32(zk.ErrQuotaExceeded)),
			zktest.Fail(int32(zk.ErrNoNode)), zktest.Fail(int32(zk.ErrSessionMoved)), zktest.Fail(int32(zk.ErrNodeExists)),
		}
		tries := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "create" && r.Path == "/p/a" && tries < len(verdicts) {
				tries++
				return verdicts[tries-1]
			}
			return zktest.Pass
		})
		require.NoError(t, srv.ExpireSession(s.Session.ID()))
		s = await(t, n, after(s))
		// One that was executed without an answer is found, not created again.
		require.GreaterOrEqual(t, tries, 2)
		for tries < len(verdicts) {
			was := tries
			require.NoError(t, srv.ExpireSession(c.Session().ID()))
			s = await(t, n, after(s))
			require.Greater(t, tries, was)
		}
		require.NoError(t, n.Leave(t.Context()))
	})
}

// failures: 95: Leave at any instant, of a node that is being created, created
// again, confirmed or updated, while connections are cut, replies lost, servers
// silent and sessions expired, and with any time for it. When it returns nil
// there is no node; otherwise the node goes later; and none comes after that.
func TestNode_LeaveAtAnyInstantLeavesNothing(t *testing.T) {
	const runs, each = 20, 500
	for seed := range uint64(runs) {
		t.Run(strconv.Itoa(int(seed)), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				l := leaver{t: t, srv: srv, rnd: rand.New(rand.NewPCG(seed, 95)), c: connect(t, srv)}
				l.keeper = presence.NewKeeper(l.c)
				for i := range each {
					l.once(i)
				}
				t.Logf("%d confirmed, %d not at once", l.confirmed, l.unconfirmed)
				require.Positive(t, l.confirmed)
				require.Positive(t, l.unconfirmed)
			})
		})
	}
}

// failures: 95: the same for sequential nodes.
func TestNode_LeaveOfASequentialNodeLeavesNothing(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(strconv.Itoa(int(seed)), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				l := leaver{t: t, srv: srv, rnd: rand.New(rand.NewPCG(seed, 95)), c: connect(t, srv), cfg: presence.Config{Sequential: true}}
				l.keeper = presence.NewKeeper(l.c)
				for i := range 500 {
					l.once(i)
				}
				require.Positive(t, l.confirmed)
				require.Positive(t, l.unconfirmed)
			})
		})
	}
}

type leaver struct {
	t      *testing.T
	srv    *zktest.Server
	rnd    *rand.Rand
	c      *zk.Client
	keeper *presence.Keeper
	cfg    presence.Config

	confirmed, unconfirmed int
}

func (l *leaver) once(i int) {
	t, srv := l.t, l.srv
	srv.Delay(1, 2*time.Millisecond)
	path := fmt.Sprintf("/p/n%d", i)
	n, err := l.keeper.Start(t.Context(), path, []byte("1"), l.cfg)
	require.NoError(t, err)
	if l.rnd.IntN(2) == 0 {
		await(t, n, registered)
	}
	left := 1 + l.rnd.IntN(4)
	fate := []zktest.Verdict{zktest.DropReplyAndCut, zktest.CutBefore, zktest.Hang}[l.rnd.IntN(3)]
	switch l.rnd.IntN(6) {
	case 0:
		srv.CutConnections(1)
	case 1:
		_ = srv.ExpireSession(l.c.Session().ID()) // it may just be over
	case 2:
		srv.Silence(1, true)
	case 3:
		srv.SilenceReplies(1, true)
	case 4:
		srv.OnRequest(func(zktest.Request) zktest.Verdict {
			if left--; left == 0 {
				return fate
			}
			return zktest.Pass
		})
	case 5:
		go func() { _ = n.Update(t.Context(), []byte("2")) }() // ends with the node
	}
	// Most of what happens takes milliseconds; lease and session take seconds.
	time.Sleep(time.Duration(l.rnd.Int64N(int64([]time.Duration{20 * time.Millisecond, 10 * time.Second}[l.rnd.IntN(10)/9]))))
	ctx, cancel := context.WithTimeout(t.Context(), []time.Duration{0, 3 * time.Millisecond, 10 * time.Millisecond, time.Minute}[l.rnd.IntN(4)])
	heal := func() {
		srv.OnRequest(nil)
		srv.Silence(1, false)
		srv.SilenceReplies(1, false)
	}
	timer := time.AfterFunc(15*time.Second, heal) // or a Leave with all the time would take it
	err = n.Leave(ctx)
	deadline, _ := ctx.Deadline()
	require.LessOrEqual(t, time.Since(deadline), 3*time.Millisecond, "Leave must end with its context")
	cancel()
	if err == nil {
		l.confirmed++
		require.Empty(t, srv.Children("/p"), "run %d: Leave said that it is gone", i)
	} else {
		l.unconfirmed++
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
	}
	timer.Stop()
	heal()
	if err != nil {
		for start := time.Now(); n.Leave(ctx) != nil; time.Sleep(100 * time.Millisecond) {
			require.Less(t, time.Since(start), 4*timeout, "run %d: left behind", i)
		}
		require.Empty(t, srv.Children("/p"), "run %d: left behind", i)
	}
	if i%10 == 0 {
		time.Sleep(3 * timeout)
	}
	require.Empty(t, srv.Children("/p"), "run %d: came later", i)
}
