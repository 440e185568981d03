package zk_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// once gives the first request of a kind a verdict.
func once(srv *zktest.Server, op string, v zktest.Verdict) {
	done := false
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op != op || done {
			return zktest.Pass
		}
		done = true
		return v
	})
}

// briefly returns a context that ends after a second.
func briefly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	t.Cleanup(cancel)
	return ctx
}

// Each way in which a request of a synchronous call can end, and what the hooks see
// of it.
func TestHooks_OfARequest(t *testing.T) {
	get := func(ctx context.Context, c *zk.Client) { _, _ = c.Get(ctx, "/n") }
	set := func(ctx context.Context, c *zk.Client) { _, _ = c.Set(ctx, "/n", nil, zk.AnyVersion) }
	for name, k := range map[string]struct {
		arm  func(t *testing.T, srv *zktest.Server)
		call func(ctx context.Context, c *zk.Client)
		end  func(t *testing.T, srv *zktest.Server, c *zk.Client) // after the call
		want []string
	}{
		"answered": {
			call: get,
			want: []string{"written get /n", "answered get /n: ok", "call get /n: ok"},
		},
		"refused": {
			call: func(ctx context.Context, c *zk.Client) { _, _ = c.Get(ctx, "/none") },
			want: []string{"written get /none", "answered get /none: rejected", "call get /none: rejected"},
		},
		"no such node is no error of exists": {
			call: func(ctx context.Context, c *zk.Client) { _, _, _ = c.Exists(ctx, "/none") },
			want: []string{"written exists /none", "answered exists /none: ok", "call exists /none: ok"},
		},
		"a multi has the path of its first op": {
			call: func(ctx context.Context, c *zk.Client) {
				_, _ = c.Multi(ctx, zk.CheckOp("/n", zk.AnyVersion), zk.DeleteOp("/none", zk.AnyVersion))
			},
			want: []string{"written multi /n", "answered multi /n: rejected", "call multi /n: rejected"},
		},
		"a write loses its connection": {
			arm:  func(_ *testing.T, srv *zktest.Server) { once(srv, "set", zktest.DropReplyAndCut) },
			call: set,
			want: []string{"written set /n", "answered set /n: outcome unknown", "conn lost", "call set /n: outcome unknown"},
		},
		"a read loses its connection and is repeated": {
			arm:  func(_ *testing.T, srv *zktest.Server) { once(srv, "get", zktest.CutBefore) },
			call: get,
			want: []string{
				"written get /n", "answered get /n: outcome unknown", "conn lost",
				"written get /n (try 2)", "answered get /n (try 2): ok", "call get /n (try 2): ok",
			},
		},
		"withdrawn": {
			arm:  func(_ *testing.T, srv *zktest.Server) { srv.Down(1, true) },
			call: func(ctx context.Context, c *zk.Client) { synctest.Wait(); set(ctx, c) },
			end:  func(_ *testing.T, srv *zktest.Server, _ *zk.Client) { srv.Down(1, false) },
			want: []string{"conn lost", "call set /n: not sent"},
		},
		"abandoned and answered later": {
			arm:  func(_ *testing.T, srv *zktest.Server) { srv.SilenceReplies(1, true) },
			call: set,
			end:  func(_ *testing.T, srv *zktest.Server, _ *zk.Client) { srv.SilenceReplies(1, false) },
			want: []string{"written set /n", "call set /n: outcome unknown", "answered set /n: ok"},
		},
		"never sent: invalid": {
			call: func(ctx context.Context, c *zk.Client) { _, _ = c.Get(ctx, "n") },
			want: []string{"call get n: not sent"},
		},
		"never sent: too large": {
			call: func(ctx context.Context, c *zk.Client) {
				_, _ = c.Set(ctx, "/n", make([]byte, 2<<20), zk.AnyVersion)
			},
			want: []string{"call set /n: not sent"},
		},
		"closed while it waits": {
			arm: func(_ *testing.T, srv *zktest.Server) { srv.Down(1, true) },
			call: func(ctx context.Context, c *zk.Client) {
				synctest.Wait()
				closing, cancel := context.WithCancel(ctx)
				cancel()
				time.AfterFunc(time.Millisecond, func() { _ = c.Close(closing) })
				set(ctx, c)
			},
			end:  func(_ *testing.T, srv *zktest.Server, _ *zk.Client) { srv.Down(1, false) },
			want: []string{"conn lost", "call set /n: not sent"},
		},
		"closed before it is answered": {
			arm: func(_ *testing.T, srv *zktest.Server) { once(srv, "set", zktest.Hang) },
			call: func(ctx context.Context, c *zk.Client) {
				closing, cancel := context.WithCancel(ctx)
				cancel()
				time.AfterFunc(time.Millisecond, func() { _ = c.Close(closing) })
				set(ctx, c)
			},
			want: []string{"written set /n", "answered set /n: outcome unknown", "conn lost", "call set /n: outcome unknown"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/n", nil))
				var r recorder
				c := clienttest.Open(t, srv, r.on)
				defer func() { _ = c.Close(inTime(t)) }()
				if k.arm != nil {
					k.arm(t, srv)
				}
				k.call(briefly(t), c)
				if k.end != nil {
					k.end(t, srv, c)
				}
				synctest.Wait()
				require.ElementsMatch(t, k.want, r.requests())
				// The session loop reports the lost connection while the caller goes on.
				require.Equal(t, without(k.want, "conn lost"), without(r.requests(), "conn lost"))
			})
		})
	}
}

// without returns the lines that are not the given one.
func without(lines []string, line string) (out []string) {
	for _, l := range lines {
		if l != line {
			out = append(out, l)
		}
	}
	return out
}

// The same for pipelined calls. Those have their CallEnded before the future is
// completed.
func TestHooks_OfAPipelinedRequest(t *testing.T) {
	for name, k := range map[string]struct {
		arm  func(srv *zktest.Server)
		end  func(srv *zktest.Server, c *zk.Client)
		want []string
	}{
		"answered": {
			want: []string{
				"written get /n", "written set /n", "answered get /n: ok", "call get /n: ok", "answered set /n: ok", "call set /n: ok",
			},
		},
		"lost, and not repeated": {
			arm: func(srv *zktest.Server) { once(srv, "get", zktest.CutBefore) },
			want: []string{
				"written get /n", "written set /n",
				"answered get /n: outcome unknown", "call get /n: outcome unknown",
				"answered set /n: outcome unknown", "call set /n: outcome unknown", "conn lost",
			},
		},
		"closed while they wait": {
			arm: func(srv *zktest.Server) {
				srv.Down(1, true)
				synctest.Wait()
			},
			end: func(srv *zktest.Server, c *zk.Client) {
				ended, cancel := context.WithCancel(context.Background())
				cancel()
				_ = c.Close(ended)
				srv.Down(1, false)
			},
			want: []string{"conn lost", "call get /n: not sent", "call set /n: not sent"},
		},
		"broken before they are written": {
			arm: func(srv *zktest.Server) {
				srv.Down(1, true)
				synctest.Wait()
			},
			end: func(srv *zktest.Server, c *zk.Client) {
				_ = srv.ExpireSession(c.Session().ID())
				srv.Down(1, false)
				time.Sleep(time.Second)
			},
			want: []string{"conn lost", "call get /n: not sent", "call set /n: not sent"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/n", nil))
				var r recorder
				var p *zk.Pipeline
				var get *zk.Future[zk.Node]
				r.before = func(e any) {
					if e, ok := e.(zk.CallEnded); ok && e.Op == "get" && get != nil {
						select {
						case <-get.Done():
							t.Error("the future is completed before its hook")
						default:
						}
					}
				}
				c := clienttest.Open(t, srv, r.on)
				defer func() { _ = c.Close(inTime(t)) }()
				if k.arm != nil {
					k.arm(srv)
				}
				p = c.Pipeline()
				get = p.Get(t.Context(), "/n")
				p.Set(t.Context(), "/n", nil, zk.AnyVersion)
				if k.end != nil {
					k.end(srv, c)
				}
				time.Sleep(time.Millisecond)
				synctest.Wait()
				require.Equal(t, k.want, r.requests())
				for _, e := range eventsOf[zk.CallEnded](&r) {
					require.True(t, e.Pipelined)
				}
			})
		})
	}
}

type key struct{}

// A request has the context of its call, also if it is pipelined, and the sizes and
// waits of its way.
func TestHooks_RequestHasItsContextSizesAndWaits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", make([]byte, 1000)))
		var r recorder
		c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.MaxInFlight = 1 })
		srv.Delay(1, 30*time.Millisecond) // in each direction
		defer srv.Delay(1, 0)
		r.forget()
		first := context.WithValue(t.Context(), key{}, "first")
		second := context.WithValue(t.Context(), key{}, "second")
		f := c.Pipeline().Get(first, "/n")
		_, err := c.Set(second, "/n", make([]byte, 500), zk.AnyVersion) // waits for room
		require.NoError(t, err)
		_, err = f.Wait(t.Context())
		require.NoError(t, err)

		answers := eventsOf[zk.RequestAnswered](&r)
		require.Len(t, answers, 2)
		get, set := answers[0], answers[1]
		require.Equal(t, "first", get.Context.Value(key{}))
		require.Equal(t, "second", set.Context.Value(key{}))
		require.Equal(t, "get", get.Op)
		require.Equal(t, srv.ConnectString(), get.Addr)
		trip := get.Wait
		require.GreaterOrEqual(t, trip, 30*time.Millisecond)
		require.Zero(t, get.Room)
		require.Zero(t, get.Queued)
		require.InDelta(t, 1000, get.ReplyBytes, 150)
		require.InDelta(t, 25, get.Bytes, 10)
		require.InDelta(t, 530, set.Bytes, 20)
		require.InDelta(t, 90, set.ReplyBytes, 15)
		require.Equal(t, trip, set.Room)
		require.Equal(t, trip, set.Wait)

		calls := eventsOf[zk.CallEnded](&r)
		require.Len(t, calls, 2)
		require.Equal(t, "first", calls[0].Context.Value(key{}))
		require.True(t, calls[0].Pipelined)
		require.Equal(t, trip, calls[0].Took)
		require.Equal(t, "second", calls[1].Context.Value(key{}))
		require.False(t, calls[1].Pipelined)
		require.Equal(t, 2*trip, calls[1].Took)
		require.Equal(t, trip, calls[1].Room)
	})
}

// A request that waits for a connection is Queued, and a call that gets no room has
// waited for nothing else.
func TestHooks_RequestWaitsForAConnectionAndForRoom(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		var r recorder
		c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.MaxInFlight = 1 })
		srv.Down(1, true)
		synctest.Wait()
		f := c.Pipeline().Get(t.Context(), "/n")
		_, err := c.Get(briefly(t), "/n")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		lost := eventsOf[zk.CallEnded](&r)
		require.Len(t, lost, 1)
		require.Equal(t, time.Second, lost[0].Room)
		require.Equal(t, time.Second, lost[0].Took)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(lost[0].Err))
		srv.Down(1, false)
		_, err = f.Wait(t.Context())
		require.NoError(t, err)
		written := eventsOf[zk.RequestWritten](&r)
		require.Len(t, written, 1)
		require.Zero(t, written[0].Room)
		require.GreaterOrEqual(t, written[0].Queued, time.Second)
	})
}

// The client's own requests are marked: heartbeats, restored and removed watches, the
// search for a chroot, and the end of the session.
func TestHooks_OwnRequestsAreInternal(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var r recorder
		require.NoError(t, srv.Create("/root", nil))
		c := connect(t, srv, r.on, func(cfg *zk.Config) { cfg.Servers += "/root" })
		_, _, w, err := c.ExistsW(t.Context(), "/n")
		require.NoError(t, err)
		_, release, err := c.Session().Guard(t.Context())
		require.NoError(t, err)
		_, err = c.Get(t.Context(), "/none/deep")
		require.ErrorIs(t, err, zk.ErrNoNode)
		time.Sleep(time.Second)
		srv.CutConnections(1)
		time.Sleep(time.Second)
		release()
		w.Stop()
		require.NoError(t, c.Close(inTime(t)))
		own := map[string]bool{}
		for _, e := range eventsOf[zk.RequestAnswered](&r) {
			if e.Internal && e.Err == nil {
				require.NotNil(t, e.Context)
				own[e.Op] = true
			}
		}
		require.Equal(t, map[string]bool{"sync": true, "setWatches": true, "removeWatches": true, "exists": true, "closeSession": true}, own)
		for _, e := range eventsOf[zk.CallEnded](&r) {
			require.Contains(t, []string{"exists /", "exists /n", "get /none/deep"}, e.Op+" "+e.Path)
		}
	})
}
