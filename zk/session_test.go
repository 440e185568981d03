package zk_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// bubble runs a test on an embedded server in virtual time.
func bubble(t *testing.T, servers int, f func(t *testing.T, srv *zktest.Server)) {
	t.Helper()
	clienttest.Bubble(t, servers, f)
}

// failures: 5
func TestSession_QueuedWritesDoNotRunInTheNextSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		old := c.Session()
		srv.Down(1, true)
		synctest.Wait()
		result := make(chan error, 1)
		go func() {
			_, err := c.Create(ctx, "/late", nil, zk.Ephemeral)
			result <- err
		}()
		read := make(chan error, 1)
		go func() {
			_, _, err := c.Exists(ctx, "/late")
			read <- err
		}()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		err := <-result
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NoError(t, <-read, "reads continue")
		require.NotEqual(t, old.ID(), c.Session().ID())
		require.False(t, srv.Exists("/late"))
		_, err = c.Create(ctx, "/late", nil, zk.Ephemeral, zk.InSession(old))
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
		require.True(t, old.Gone())
		require.False(t, old.GivenUp(), "the server has ended it")
	})
}

func TestCall_WithdrawnWhileDisconnectedIsNotSent(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		srv.Down(1, true)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := c.Create(ctx, "/never", nil, zk.Persistent)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.True(t, zk.SafeToRetry(err))
		require.Equal(t, 50*time.Millisecond, time.Since(start))
		srv.Down(1, false)
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.False(t, srv.Exists("/never"))
	})
}

func TestPipeline_HasNoHoleBehindALostRequest(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		c := connect(t, srv)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Path == "/b" {
				return zktest.CutBefore
			}
			return zktest.Pass
		})
		p := c.Pipeline()
		a := p.Create(ctx, "/a", nil, zk.Persistent)
		again := p.Create(ctx, "/a", nil, zk.Persistent)
		b := p.Create(ctx, "/b", nil, zk.Persistent)
		_, err := a.Wait(ctx)
		require.NoError(t, err)
		_, err = again.Wait(ctx)
		require.ErrorIs(t, err, zk.ErrNodeExists, "a refusal does not break it")
		_, err = b.Wait(ctx)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		_, err = p.Create(ctx, "/c", nil, zk.Persistent).Wait(ctx)
		require.ErrorIs(t, err, zk.ErrPipelineBroken)
		require.ErrorIs(t, err, zk.ErrConnectionLoss)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(ctx, "/"))
		require.False(t, srv.Exists("/c"))
	})
}

// failures: 4: a server that is cut off from its leader answers pings and reads;
// the guard ends in time all the same.
func TestGuard_IsNotKeptAliveByAServerWithoutItsLeader(t *testing.T) {
	for _, quorum := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{Servers: 2, SyncLimit: 1000})
			c := connect(t, srv, func(cfg *zk.Config) { cfg.QuorumLease = quorum })
			g, release, err := c.Session().Guard(t.Context())
			require.NoError(t, err)
			defer release()
			time.Sleep(20 * time.Second)
			require.NoError(t, g.Err(), "renewed while all is well")
			cut := time.Now()
			srv.CutFromLeader(0, true)
			<-g.Done()
			require.ErrorIs(t, context.Cause(g), zk.ErrLeaseLapsed)
			require.Less(t, time.Since(cut), 6*time.Second, "the ensemble may have expired the session then")
			srv.CutFromLeader(0, false)
			require.NoError(t, c.Sync(t.Context(), "/"))
			require.Error(t, g.Err(), "a lapsed guard stays ended")
		})
	}
}

// failures: 1, 11: a silent server and one that does not resolve cost no more
// than their budget.
func TestConnect_PassesOverServersThatDoNotAnswer(t *testing.T) {
	bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
		srv.Silence(1, true)
		start := time.Now()
		dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == "bad.invalid:2181" {
				return nil, errors.New("no such host")
			}
			return srv.DialContext(ctx, network, addr)
		}
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Servers, cfg.DialContext = "bad.invalid,"+srv.ConnectString(), dial
		})
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.LessOrEqual(t, time.Since(start), 3*time.Second)
		srv.Silence(1, false)

		srv.Down(0, true)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := zk.Connect(ctx, zk.Config{Servers: srv.ConnectString(), DialContext: srv.DialContext})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "zk1:2181")
		require.ErrorContains(t, err, "zk2:2181")
		srv.Down(0, false)
	})
}

// failures: 12: either direction that falls silent is noticed within a third of
// the timeout, and the session goes on elsewhere.
func TestConn_SilenceIsNoticedInTime(t *testing.T) {
	for _, f := range []func(*zktest.Server, int, bool){(*zktest.Server).Silence, (*zktest.Server).SilenceReplies} {
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			time.Sleep(7 * time.Second)
			start := time.Now()
			f(srv, 1, true)
			for s := range c.States(t.Context()) {
				if s == zk.StateDisconnected {
					break
				}
			}
			require.LessOrEqual(t, time.Since(start), 2*time.Second)
			f(srv, 1, false)
			require.NoError(t, c.Sync(t.Context(), "/"))
		})
	}
}

// failures: 7: an ensemble that lost its data is a new session, not a loop.
func TestSession_WipedEnsembleIsAnExpiry(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for range 10 {
			_, err := c.Create(t.Context(), "/n-", nil, zk.PersistentSequential)
			require.NoError(t, err)
		}
		old := c.Session()
		srv.Reset()
		<-old.Context().Done()
		require.NoError(t, c.Ready(t.Context()))
		require.NoError(t, c.Sync(t.Context(), "/"))
	})
}

// failures: 15
func TestSession_TimeoutIsTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{MinSessionTimeout: 4 * time.Second, MaxSessionTimeout: 40 * time.Second})
		for ask, want := range map[time.Duration]time.Duration{time.Second: 4 * time.Second, 10 * time.Minute: 40 * time.Second} {
			c := connect(t, srv, func(cfg *zk.Config) { cfg.SessionTimeout = ask })
			require.Equal(t, want, c.Session().Timeout())
		}
	})
}

// failures: 114, 116
func TestClose_InEveryStateIsBoundedAndFinal(t *testing.T) {
	for name, harm := range map[string]func(srv *zktest.Server){
		"connected": func(*zktest.Server) {},
		"silent":    func(srv *zktest.Server) { srv.Silence(0, true) },
		"down":      func(srv *zktest.Server) { srv.Down(0, true) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				c := clienttest.Open(t, srv)
				harm(srv)
				pending := make(chan error, 1)
				go func() {
					_, err := c.Get(t.Context(), "/zookeeper")
					pending <- err
				}()
				synctest.Wait()
				start := time.Now()
				err := c.Close(ctx)
				require.LessOrEqual(t, time.Since(start), 2*time.Second)
				if name == "connected" {
					require.NoError(t, err)
					require.Empty(t, srv.Sessions())
				} else {
					require.ErrorIs(t, err, zk.ErrUnconfirmed)
				}
				<-pending
				_, err = c.Get(t.Context(), "/")
				require.ErrorIs(t, err, zk.ErrClosed)
				_ = c.Close(t.Context()) // again: the same end, no hang
				srv.Silence(0, false)
			})
		})
	}
}

// failures: 124
func TestConfig_AllProblemsAtOnce(t *testing.T) {
	_, err := zk.Connect(t.Context(), zk.Config{Servers: "h1:99999,,::1,h2,h2/a//b", SessionTimeout: -1, MaxInFlight: -1})
	for _, want := range []string{`"h1:99999"`, "empty server", "brackets", "twice", "chroot", "SessionTimeout", "MaxInFlight"} {
		require.ErrorContains(t, err, want)
	}
}
