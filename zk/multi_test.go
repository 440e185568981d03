package zk_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 45: no ops are no transaction, and nothing is sent.
func TestMulti_OfNothingDoesNothing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		before := srv.Requests()
		results, err := c.Multi(t.Context())
		require.NoError(t, err)
		require.Empty(t, results)
		require.Equal(t, before, srv.Requests())
		results, err = c.Pipeline().Multi(t.Context()).Wait(t.Context())
		require.NoError(t, err)
		require.Empty(t, results)
	})
}

// failures: 45: every kind of op and of node, in a chroot, with its result.
func TestMulti_EveryKindOfOp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/root/old", []byte("1")))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/root" })
		results, err := c.Multi(
			t.Context(),
			zk.CreateOp("/a", []byte("x"), zk.Persistent),
			zk.CreateOp("/a/e-", nil, zk.EphemeralSequential, zk.InSession(c.Session())),
			zk.CreateOp("/c", nil, zk.Container),
			zk.CreateOp("/t", nil, zk.PersistentTTL, zk.TTL(time.Hour)),
			zk.SetOp("/old", []byte("2"), 0),
			zk.CheckOp("/old", 1),
			zk.DeleteOp("/old", 1),
			zk.CreateOp("/s-", nil, zk.PersistentSequential),
		)
		require.NoError(t, err)
		kinds := []zk.OpKind{zk.OpCreate, zk.OpCreate, zk.OpCreate, zk.OpCreate, zk.OpSet, zk.OpCheck, zk.OpDelete, zk.OpCreate}
		paths := []string{"/a", "/a/e-0000000000", "/c", "/t", "/old", "/old", "/old", "/s-0000000004"}
		require.Len(t, results, len(kinds))
		for i, r := range results {
			require.Equal(t, zk.OpDone, r.State)
			require.NoError(t, r.Err)
			require.Equal(t, kinds[i], r.Kind)
			require.Equal(t, paths[i], r.Path)
		}
		require.Equal(t, c.Session().ID(), srv.Owner("/root/a/e-0000000000"))
		require.False(t, srv.Exists("/root/old"))
		require.EqualValues(t, 1, results[4].Stat.Version)
		require.NotZero(t, results[2].Stat.Czxid, "of a container the server sends the Stat")
		require.NotZero(t, results[0].Stat.Czxid, "of other creates it sends one too")
	})
}

// failures: 45: the error names the op that failed, with its reason. The ops before
// it were rolled back, the ops behind it never ran, and nothing has changed.
func TestMulti_FailureNamesTheOp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/root/n", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/root" })
		mine := errors.New("not mine any more")
		for name, bad := range map[string]struct {
			op   zk.Op
			path string
			code zk.Code
		}{
			"check":  {zk.CheckOp("/n", 7), "/n", zk.ErrBadVersion},
			"absent": {zk.CheckOp("/absent", -1), "/absent", zk.ErrNoNode},
			"create": {zk.CreateOp("/n", nil, zk.Persistent), "/n", zk.ErrNodeExists},
			"parent": {zk.CreateOp("/no/n", nil, zk.Ephemeral), "/no/n", zk.ErrNoNode},
			"delete": {zk.DeleteOp("/new", -1), "/new", zk.ErrNotEmpty},
			"set":    {zk.SetOp("/n", nil, 3), "/n", zk.ErrBadVersion},
		} {
			before := srv.Dump()
			ops := []zk.Op{
				zk.CreateOp("/new", nil, zk.Persistent), zk.CreateOp("/new/child", nil, zk.Persistent),
				c.Bind(bad.op, mine), zk.DeleteOp("/n", 0), zk.CheckOp("/n", -1),
			}
			for _, run := range []func() ([]zk.OpResult, error){
				func() ([]zk.OpResult, error) { return c.Multi(t.Context(), ops...) },
				func() ([]zk.OpResult, error) { return c.Pipeline().Multi(t.Context(), ops...).Wait(t.Context()) },
			} {
				results, err := run()
				require.ErrorIs(t, err, bad.code, name)
				require.ErrorIs(t, err, mine, name)
				require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
				require.ErrorContains(t, err, "multi "+bad.path)
				var states []zk.OpState
				for i, r := range results {
					states = append(states, r.State)
					require.Equal(t, i == 2, r.Err != nil)
				}
				require.Equal(t, []zk.OpState{zk.OpRolledBack, zk.OpRolledBack, zk.OpFailed, zk.OpNotRun, zk.OpNotRun}, states, name)
				require.Equal(t, before, srv.Dump(), name)
			}
		}
	})
}

// The fault of an op is reported before anything is sent.
func TestMulti_BadOpsAreRefused(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c, other := connect(t, srv), connect(t, srv)
		ctx := t.Context()
		before := srv.Requests()
		for name, bad := range map[string]struct {
			ops  []zk.Op
			want error
		}{
			"zero":         {[]zk.Op{{}}, zk.ErrBadArguments},
			"path":         {[]zk.Op{zk.CheckOp("/ok", 0), zk.SetOp("bad", nil, 0)}, zk.ErrInvalidPath},
			"mode":         {[]zk.Op{zk.CreateOp("/n", nil, 77)}, zk.ErrBadArguments},
			"ttl":          {[]zk.Op{zk.CreateOp("/n", nil, zk.Persistent, zk.TTL(time.Second))}, zk.ErrBadArguments},
			"no ttl":       {[]zk.Op{zk.CreateOp("/n", nil, zk.PersistentTTL)}, zk.ErrBadArguments},
			"acl":          {[]zk.Op{zk.CreateOp("/n", nil, zk.Persistent, zk.WithACL(zk.ACL{Perms: 99}))}, zk.ErrInvalidACL},
			"foreign":      {[]zk.Op{other.Bind(zk.CheckOp("/n", 0), nil)}, zk.ErrForeignOp},
			"two sessions": {[]zk.Op{zk.CreateOp("/a", nil, zk.Ephemeral, zk.InSession(c.Session())), zk.CreateOp("/b", nil, zk.Ephemeral, zk.InSession(other.Session()))}, zk.ErrBadArguments},
			"old session":  {[]zk.Op{zk.CreateOp("/a", nil, zk.Ephemeral, zk.InSession(other.Session()))}, zk.ErrSessionExpired},
		} {
			results, err := c.Multi(ctx, bad.ops...)
			require.ErrorIs(t, err, bad.want, name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
			require.Nil(t, results, name)
		}
		require.Equal(t, before, srv.Requests())
	})
}

// failures: 20: the reply of a multi is lost. All its results are OpUnknown, whether
// it ran or not, and it is not sent again.
func TestMulti_LostReplyIsUnknown(t *testing.T) {
	for _, happened := range []bool{false, true} {
		harm := zktest.CutBefore
		if happened {
			harm = zktest.DropReplyAndCut
		}
		bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := connect(t, srv)
			require.NoError(t, srv.Create("/n", nil))
			ops := []zk.Op{zk.SetOp("/n", []byte("x"), 0), zk.CreateOp("/m", nil, zk.Persistent)}
			onNth(srv, "multi", 1, harm)
			results, err := c.Multi(t.Context(), ops...)
			require.ErrorIs(t, err, zk.ErrConnectionLoss)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
			require.Equal(t, []zk.OpResult{{Kind: zk.OpSet, Path: "/n"}, {Kind: zk.OpCreate, Path: "/m"}}, results)
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, happened, srv.Exists("/m"))

			onNth(srv, "multi", 1, harm)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			results, err = c.Pipeline().Multi(ctx, zk.CheckOp("/n", -1)).Wait(ctx)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
			require.Equal(t, []zk.OpResult{{Kind: zk.OpCheck, Path: "/n"}}, results)
		})
	}
}

// notMine is the answer of a leader to a multi of two ops on a session that it takes
// for another server's. The error is in the items, under a header that says OK.
func notMine(q asked) []byte {
	if q.Op != proto.OpMulti {
		return nil
	}
	return replyTo(q.Xid, 10, proto.OK, serverproto.AppendMultiResponse(nil, []proto.MultiResult{
		{Op: proto.OpError, Err: proto.SessionMoved}, {Op: proto.OpError, Err: proto.RuntimeInconsistency},
	}))
}

// A multi that ends without a verdict leaves no hole behind it.
func TestMulti_WithoutAVerdictBreaksItsPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){func(c *scripted) { c.serve(notMine) }}}
		c := s.client(t)
		p := c.Pipeline()
		results, err := p.Multi(inTime(t), zk.CheckOp("/a", 0), zk.DeleteOp("/b", 0)).Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrSessionMoved)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.Len(t, results, 2)
		_, err = p.Set(inTime(t), "/b", nil, 0).Wait(inTime(t))
		require.ErrorIs(t, err, zk.ErrPipelineBroken)
		require.ErrorIs(t, err, zk.ErrSessionMoved)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
	})
}

// When the call has returned, the caller may change the ops.
func TestMulti_OpsMayBeUsedAgain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ops := []zk.Op{zk.CreateOp("/a", nil, zk.Persistent)}
		f := c.Pipeline().Multi(t.Context(), ops...)
		ops[0] = zk.DeleteOp("/b", 0)
		results, err := f.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, zk.OpCreate, results[0].Kind)
		require.Equal(t, "/a", results[0].Path)
	})
}

// failures: 38, 45: an answer that does not fit its request is an ErrProtocol.
func TestMulti_AnswerThatDoesNotFitIsAProtocolError(t *testing.T) {
	item := func(op proto.OpCode, err proto.ErrCode) proto.MultiResult { return proto.MultiResult{Op: op, Err: err} }
	for name, answer := range map[string][]proto.MultiResult{
		"none":     {},
		"too few":  {item(proto.OpCheck, 0)},
		"too many": {item(proto.OpCheck, 0), item(proto.OpDelete, 0), item(proto.OpCheck, 0)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{play: []func(*scripted){func(c *scripted) {
					c.serve(func(q asked) []byte {
						if q.Op != proto.OpMulti {
							return nil
						}
						return replyTo(q.Xid, 10, proto.OK, serverproto.AppendMultiResponse(nil, answer))
					})
				}}}
				c := s.client(t)
				results, err := c.Multi(inTime(t), zk.CheckOp("/n", 0), zk.DeleteOp("/n", 0))
				require.ErrorIs(t, err, zk.ErrProtocol)
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
				require.Len(t, results, 2)
				require.Equal(t, zk.OpUnknown, results[0].State)
			})
		})
	}
}

// Multi sends a transaction exactly if its MultiSize is within the limit.
func TestMulti_SizeIsThatOfTheRequest(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/root/a", nil))
		const limit = 200
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers, cfg.MaxRequestSize = cfg.Servers+"/root", limit })
		sent, tooLarge := 0, 0
		for n := range limit {
			ops := []zk.Op{zk.SetOp("/a", make([]byte, n), zk.AnyVersion), zk.CheckOp("/a", zk.AnyVersion)}
			size, most := c.MultiSize(ops...)
			require.Equal(t, limit, most)
			if _, err := c.Multi(t.Context(), ops...); size <= limit {
				require.NoError(t, err, "%d bytes", size)
				sent++
			} else {
				require.ErrorIs(t, err, zk.ErrTooLarge, "%d bytes", size)
				tooLarge++
			}
		}
		require.NotZero(t, sent)
		require.NotZero(t, tooLarge)
	})
}
