package settle_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/settle"
	"github.com/zookit/zookit/zktest"
)

var (
	bubble  = clienttest.Bubble
	connect = clienttest.Connect
	inTime  = clienttest.InTime
)

// harms are what can happen to a request: it has not run, or it has.
var harms = map[string]zktest.Verdict{"before": zktest.CutBefore, "after": zktest.DropReplyAndCut}

// eachHarm runs f on a server that does harm to the first request of op. Behind that
// request comes next, if it is not nil: what another client does before this one is back.
func eachHarm(t *testing.T, op string, next func(*zktest.Server), f func(t *testing.T, srv *zktest.Server, harm string)) {
	for name, verdict := range harms {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/n", []byte("0")))
				var harmed, back atomic.Bool
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == op && harmed.CompareAndSwap(false, true) {
						return verdict
					}
					return zktest.Pass
				})
				srv.OnConnect(func(zktest.Connect) zktest.Verdict {
					if harmed.Load() && back.CompareAndSwap(false, true) && next != nil {
						next(srv)
					}
					return zktest.Pass
				})
				f(t, srv, name)
			})
		})
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func increment(old []byte, _ zk.Stat) ([]byte, error) {
	n, err := strconv.Atoi(string(old))
	return strconv.AppendInt(nil, int64(n+1), 10), err
}

// Many clients count up one node at the same time. Each step is there.
func TestUpdate_NoStepIsLost(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", []byte("0")))
		ctx := inTime(t)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			c := connect(t, srv, func(cfg *zk.Config) {
				// Each step that fails is one that another client has made: 35 pauses at the most.
				cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(10 * time.Millisecond) }
			})
			wg.Go(func() {
				for range 5 {
					_, err := settle.Update(ctx, c, "/n", increment, settle.UpdateConfig{})
					errs[i] = errors.Join(errs[i], err)
				}
			})
		}
		wg.Wait()
		require.NoError(t, errors.Join(errs...))
		data, _ := srv.Get("/n")
		require.Equal(t, "40", string(data))
	})
}

// A write that has not run is repeated, once. One that has run is known by its data, if
// the caller says that this is enough.
func TestUpdate_LostReply(t *testing.T) {
	for _, unique := range []bool{false, true} {
		eachHarm(t, "set", nil, func(t *testing.T, srv *zktest.Server, harm string) {
			c := connect(t, srv)
			node, err := settle.Update(inTime(t), c, "/n", increment, settle.UpdateConfig{Unique: unique})
			data, _ := srv.Get("/n")
			require.Equal(t, "1", string(data))
			if harm == "after" && !unique {
				require.ErrorIs(t, err, settle.ErrUnsettled)
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
				require.False(t, zk.SafeToRetry(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, "1", string(node.Data))
			require.EqualValues(t, 1, node.Stat.Version)
			require.NotZero(t, node.Stat.Mzxid)
		})
	}
}

// Another client has written before this one is back. Nobody can tell whether the first
// write has run.
func TestUpdate_LostReplyAndAnothersWrite(t *testing.T) {
	for _, data := range []string{"1", "other"} {
		twice := func(srv *zktest.Server) {
			must(srv.Set("/n", []byte(data)))
			must(srv.Set("/n", []byte(data)))
		}
		eachHarm(t, "set", twice, func(t *testing.T, srv *zktest.Server, harm string) {
			_, err := settle.Update(inTime(t), connect(t, srv), "/n", increment, settle.UpdateConfig{Unique: true})
			require.ErrorIs(t, err, settle.ErrUnsettled)
			now, _ := srv.Get("/n")
			require.Equal(t, data, string(now), "nothing is written over it")
		})
	}
}

// The node is deleted, or another one stands at its path.
func TestUpdate_LostReplyAndTheNodeIsGone(t *testing.T) {
	eachHarm(t, "set", func(srv *zktest.Server) { must(srv.Delete("/n")) }, func(t *testing.T, srv *zktest.Server, _ string) {
		_, err := settle.Update(inTime(t), connect(t, srv), "/n", increment, settle.UpdateConfig{Unique: true})
		require.ErrorIs(t, err, settle.ErrUnsettled)
		require.ErrorIs(t, err, zk.ErrNoNode)
	})
	again := func(srv *zktest.Server) {
		must(srv.Delete("/n"))
		must(srv.Create("/n", []byte("new")))
	}
	eachHarm(t, "set", again, func(t *testing.T, srv *zktest.Server, _ string) {
		_, err := settle.Update(inTime(t), connect(t, srv), "/n", increment, settle.UpdateConfig{Unique: true})
		require.ErrorIs(t, err, settle.ErrUnsettled)
		data, _ := srv.Get("/n")
		require.Equal(t, "new", string(data), "it has the same version, and is another node")
	})
}

// The session of the lost write is over. The write is made in the next session.
func TestUpdate_SessionExpires(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", []byte("0")))
		c := connect(t, srv)
		time.Sleep(2 * time.Second)
		clienttest.OnNth(srv, "set", 1, zktest.CutBefore)
		id := c.Session().ID()
		srv.OnConnect(func(n zktest.Connect) zktest.Verdict {
			if n.Session == id {
				return zktest.Fail(0) // the session has expired
			}
			return zktest.Pass
		})
		node, err := settle.Update(inTime(t), c, "/n", increment, settle.UpdateConfig{})
		require.NoError(t, err)
		require.Equal(t, "1", string(node.Data))
		require.NotEqual(t, id, c.Session().ID())
	})
}

func TestUpdate_WhatTheFunctionReturns(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", []byte("0")))
		c := connect(t, srv)
		ctx := inTime(t)
		node, err := settle.Update(ctx, c, "/n", func([]byte, zk.Stat) ([]byte, error) { return nil, settle.ErrNoChange }, settle.UpdateConfig{})
		require.NoError(t, err)
		require.Equal(t, "0", string(node.Data))
		require.Zero(t, node.Stat.Version)
		failed := errors.New("no")
		_, err = settle.Update(ctx, c, "/n", func([]byte, zk.Stat) ([]byte, error) { return nil, failed }, settle.UpdateConfig{})
		require.Equal(t, failed, err)
		_, err = settle.Update(ctx, c, "/none", increment, settle.UpdateConfig{})
		require.ErrorIs(t, err, zk.ErrNoNode)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err = settle.Update(ended, c, "/n", increment, settle.UpdateConfig{})
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestSet_LostReply(t *testing.T) {
	eachHarm(t, "set", nil, func(t *testing.T, srv *zktest.Server, _ string) {
		stat, err := settle.Set(inTime(t), connect(t, srv), "/n", []byte("new"), 0)
		require.NoError(t, err)
		require.EqualValues(t, 1, stat.Version, "it has run once")
		data, _ := srv.Get("/n")
		require.Equal(t, "new", string(data))
	})
	other := func(srv *zktest.Server) { must(srv.Set("/n", []byte("other"))) }
	eachHarm(t, "set", other, func(t *testing.T, srv *zktest.Server, _ string) {
		_, err := settle.Set(inTime(t), connect(t, srv), "/n", []byte("new"), 0)
		require.ErrorIs(t, err, settle.ErrUnsettled)
		data, _ := srv.Get("/n")
		require.Equal(t, "other", string(data))
	})
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", nil))
		c := connect(t, srv)
		_, err := settle.Set(inTime(t), c, "/n", nil, 7)
		require.ErrorIs(t, err, zk.ErrBadVersion)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		_, err = settle.Set(inTime(t), c, "/n", nil, zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	})
}

func TestCreate_LostReply(t *testing.T) {
	for _, mode := range []zk.CreateMode{zk.Persistent, zk.Ephemeral, zk.Container} {
		eachHarm(t, "create", nil, func(t *testing.T, srv *zktest.Server, _ string) {
			c := connect(t, srv)
			made, err := settle.Create(inTime(t), c, "/new", []byte("data"), mode)
			require.NoError(t, err, mode)
			require.Equal(t, "/new", made.Path)
			require.NotZero(t, made.Stat.Czxid)
			if mode == zk.Ephemeral {
				require.Equal(t, c.Session().ID(), srv.Owner("/new"))
			}
		})
		another := func(srv *zktest.Server) {
			_ = srv.Delete("/new") // it may not be there
			must(srv.Create("/new", []byte("another's")))
		}
		eachHarm(t, "create", another, func(t *testing.T, srv *zktest.Server, _ string) {
			_, err := settle.Create(inTime(t), connect(t, srv), "/new", []byte("data"), mode)
			require.ErrorIs(t, err, settle.ErrUnsettled)
			require.ErrorIs(t, err, zk.ErrNodeExists)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		})
	}
}

func TestCreate_WithoutALoss(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", []byte("0")))
		c := connect(t, srv)
		ctx := inTime(t)
		_, err := settle.Create(ctx, c, "/n", []byte("0"), zk.Persistent)
		require.ErrorIs(t, err, zk.ErrNodeExists, "it existed before")
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		_, err = settle.Create(ctx, c, "/n-", nil, zk.EphemeralSequential)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.ErrorContains(t, err, "protect.Create")
	})
}

func TestDelete_LostReply(t *testing.T) {
	stat := func(t *testing.T, c *zk.Client) zk.Stat {
		n, err := c.Get(inTime(t), "/n")
		require.NoError(t, err)
		return n.Stat
	}
	eachHarm(t, "delete", nil, func(t *testing.T, srv *zktest.Server, _ string) {
		c := connect(t, srv)
		require.NoError(t, settle.Delete(inTime(t), c, "/n", stat(t, c)))
		require.False(t, srv.Exists("/n"))
	})
	again := func(srv *zktest.Server) {
		_ = srv.Delete("/n") // it may be gone
		must(srv.Create("/n", []byte("new")))
	}
	eachHarm(t, "delete", again, func(t *testing.T, srv *zktest.Server, _ string) {
		c := connect(t, srv)
		require.NoError(t, settle.Delete(inTime(t), c, "/n", stat(t, c)))
		data, _ := srv.Get("/n")
		require.Equal(t, "new", string(data), "it has the same version, and is another node")
	})
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/n", []byte("0")))
		c := connect(t, srv)
		ctx := inTime(t)
		old := stat(t, c)
		require.NoError(t, srv.Set("/n", nil))
		err := settle.Delete(ctx, c, "/n", old)
		require.ErrorIs(t, err, zk.ErrBadVersion)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.NoError(t, srv.Delete("/n"))
		require.NoError(t, srv.Create("/n", nil))
		require.NoError(t, srv.Set("/n", nil))
		require.NoError(t, srv.Set("/n", nil))
		require.NoError(t, settle.Delete(ctx, c, "/n", old), "that node is gone")
		require.True(t, srv.Exists("/n"))
		require.ErrorIs(t, settle.Delete(ctx, c, "/n", zk.Stat{}), zk.ErrBadArguments)
	})
}

// Synced repeats the sync and the read together, and returns nothing that was read
// without a sync.
func TestSynced_IsNotWithoutItsSync(t *testing.T) {
	for name, verdict := range map[string]zktest.Verdict{"cut": zktest.CutBefore, "throttled": zktest.Fail(int32(zk.ErrThrottled))} {
		for _, op := range []string{"sync", "get"} {
			t.Run(name+" "+op, func(t *testing.T) {
				bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
					require.NoError(t, srv.Create("/n", []byte("0")))
					c := connect(t, srv)
					clienttest.OnNth(srv, op, 1, verdict)
					before := srv.Requests()
					read := func(p *zk.Pipeline) *zk.Future[zk.Node] { return p.Get(inTime(t), "/n") }
					node, err := settle.Synced(inTime(t), c, "/n", read)
					require.NoError(t, err)
					require.Equal(t, "0", string(node.Data))
					require.GreaterOrEqual(t, srv.Requests()-before, int64(3))
					_, err = settle.Synced(inTime(t), c, "/none", func(p *zk.Pipeline) *zk.Future[zk.Node] { return p.Get(inTime(t), "/none") })
					require.ErrorIs(t, err, zk.ErrNoNode)
				})
			})
		}
	}
}

// A nil function is refused by name, before the node is read.
func TestUpdate_RefusesANilFunction(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		before := srv.Requests()
		_, err := settle.Update(t.Context(), c, "/n", nil, settle.UpdateConfig{})
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.EqualError(t, err, "zk: update /n: bad arguments: nil function (not sent)")
		require.Equal(t, before, srv.Requests())
	})
}
