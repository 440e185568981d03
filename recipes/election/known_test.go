package election_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// IsLeader and Leading follow the leaderships of Run, and their ends.
func TestElection_IsLeader(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		a := election.New(connect(t, srv), "/e", election.Config{ID: "a"})
		b := election.New(connect(t, srv), "/e", election.Config{ID: "b"})
		check := func(a1, b1 bool) {
			t.Helper()
			time.Sleep(time.Second)
			require.Equal(t, []bool{a1, b1}, []bool{a.IsLeader(), b.IsLeader()})
			require.Equal(t, []bool{a1, b1}, []bool{a.Leading() != nil, b.Leading() != nil})
		}
		check(false, false)
		ctx, cancel := context.WithCancel(t.Context())
		lead := func(ctx context.Context, _ *election.Leadership) error { <-ctx.Done(); return nil }
		ended := make(chan error, 2)
		go func() { ended <- a.Run(ctx, lead) }()
		check(true, false)
		go func() { ended <- b.Run(ctx, lead) }()
		check(true, false)
		require.NoError(t, a.Leading().HandOver(t.Context(), "b"))
		require.False(t, a.IsLeader())
		check(false, true)
		require.NoError(t, b.Leading().Resign(t.Context()))
		check(true, false)
		cancel()
		<-ended
		<-ended
		check(false, false)
	})
}

// The server sends nothing any more. IsLeader becomes false before the session can have
// expired on the server.
func TestElection_IsLeaderEndsWithTheLease(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		e := election.New(connect(t, srv), "/e", election.Config{ID: "a"})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.True(t, e.IsLeader())
		srv.SilenceReplies(1, true)
		for e.IsLeader() {
			require.True(t, srv.Exists(l.Path()))
			time.Sleep(10 * time.Millisecond)
		}
		require.True(t, srv.Exists(l.Path()), "the node has gone first")
		require.ErrorIs(t, context.Cause(l.Context()), zk.ErrLeaseLapsed)
		srv.SilenceReplies(1, false)
		require.NoError(t, l.Resign(t.Context()))
	})
}

// Known follows a running Observe and our own leadership. It is Unknown if there is
// neither, or if the connection is lost. It sends no request.
func TestElection_KnownFollowsTheObserver(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		mine := connect(t, srv)
		e := election.New(mine, "/e", election.Config{ID: "me"})
		require.Equal(t, election.Unknown, e.Known().State)
		ctx, cancel := context.WithCancel(t.Context())
		o := observe(ctx, e)
		time.Sleep(time.Second)
		require.Equal(t, election.Vacant, e.Known().State)
		c.join("a", 0)
		_, a := c.leader()
		require.NoError(t, a.Proclaim(t.Context(), []byte("a's address")))
		time.Sleep(time.Second)

		var requests atomic.Int32
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == mine.Session().ID() && r.Op != "ping" {
				requests.Add(1)
			}
			return zktest.Pass
		})
		known := e.Known()
		require.Equal(t, election.Led, known.State)
		require.Equal(t, a.Token(), known.Leader.Token)
		require.Equal(t, "a's address", string(known.Leader.Data))
		require.False(t, known.Leader.Since.IsZero())
		require.Zero(t, testing.AllocsPerRun(100, func() { _, _, _ = e.IsLeader(), e.Leading(), e.Known() }))
		synctest.Wait()
		require.Zero(t, requests.Load())
		srv.OnRequest(nil)

		srv.Down(1, true)
		synctest.Wait()
		require.Equal(t, election.Unknown, e.Known().State, "the connection is lost")
		srv.Down(1, false)
		time.Sleep(2 * time.Second)
		require.Equal(t, election.Led, e.Known().State)
		cancel()
		<-o.done
		require.Equal(t, election.Unknown, e.Known().State, "no Observe runs")
		c.end()
		c.runs.Wait()

		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		known = e.Known()
		require.Equal(t, election.Led, known.State)
		require.Equal(t, []any{l.Path(), l.Token(), mine.Session().ID(), "me"},
			[]any{known.Leader.Path, known.Leader.Token, known.Leader.Session, string(known.Leader.Data)})
		data := []byte("my address")
		require.NoError(t, l.Proclaim(t.Context(), data))
		data[0] = 'x'
		require.Equal(t, "my address", string(e.Known().Leader.Data))
		require.NoError(t, l.Resign(t.Context()))
		require.Equal(t, election.Unknown, e.Known().State)
	})
}

// The connection is lost while the loop body of the only Observe runs. Known is Unknown
// although the observer notices nothing, unless we lead ourselves. It stays so after the
// connection has come back, until the observer has read again: by then another one can
// lead.
func TestElection_KnownIsUnknownInAnOutageWhileTheObserverIsBusy(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		e := election.New(connect(t, srv), "/e", election.Config{ID: "me"})
		a, err := election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Campaign(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var led election.Observation
		busy, idle := make(chan bool), make(chan bool)
		done := make(chan bool)
		go func() {
			defer close(done)
			for o := range e.Observe(ctx) {
				if o.State == election.Led && led.State == election.Unknown {
					led = o
					busy <- true
					<-idle
				}
			}
		}()
		<-busy
		require.Equal(t, led, e.Known())
		srv.Down(1, true)
		synctest.Wait()
		require.Equal(t, election.Observation{}, e.Known(), "the connection is lost")
		srv.Down(1, false)
		time.Sleep(time.Second)
		require.Equal(t, election.Observation{}, e.Known(), "the connection is back")
		close(idle)
		synctest.Wait()
		require.Equal(t, led, e.Known(), "the observer has read again")
		cancel()
		<-done
		require.NoError(t, a.Resign(t.Context()))

		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		for o, err := range e.Observe(t.Context()) {
			require.NoError(t, err)
			srv.Down(1, true)
			synctest.Wait()
			require.True(t, e.IsLeader())
			require.Equal(t, o, e.Known(), "we lead, also without a connection")
			srv.Down(1, false)
			break
		}
		require.NoError(t, l.Resign(t.Context()))
	})
}
