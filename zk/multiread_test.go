package zk_test

import (
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestMultiRead_EachReadSucceedsOrFailsAlone(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		for _, path := range []string{"/app/a", "/app/a/x", "/app/a/y", "/app/b"} {
			require.NoError(t, srv.Create(path, []byte(path)))
		}
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		_, err := c.Create(t.Context(), "/closed", nil, zk.Persistent, zk.WithACL(zk.WorldACL(zk.PermCreate)...))
		require.NoError(t, err)
		node, err := c.Get(t.Context(), "/b")
		require.NoError(t, err)
		ops := []zk.ReadOp{
			zk.GetOp("/b"), zk.GetOp("/none"), zk.ChildrenOp("/a"), zk.GetOp("/closed"), zk.ChildrenOp("/b"), zk.ChildrenOp("/none"), zk.ChildrenOp("/"),
		}
		check := func(got []zk.ReadResult, err error) {
			require.NoError(t, err)
			require.Len(t, got, len(ops))
			for i := range got {
				slices.Sort(got[i].Names)
			}
			require.Equal(t, zk.ReadResult{Path: "/b", Data: []byte("/app/b"), Stat: node.Stat}, got[0])
			require.Equal(t, zk.ReadResult{Path: "/a", Names: []string{"x", "y"}}, got[2])
			require.Equal(t, zk.ReadResult{Path: "/b", Names: []string{}}, got[4])
			require.Equal(t, zk.ReadResult{Path: "/", Names: []string{"a", "b", "closed"}}, got[6])
			require.EqualError(t, got[1].Err, "zk: get /none: node does not exist")
			require.ErrorIs(t, got[1].Err, zk.ErrNoNode)
			require.ErrorIs(t, got[3].Err, zk.ErrNoAuth)
			require.ErrorIs(t, got[5].Err, zk.ErrNoNode)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(got[5].Err))
		}
		check(c.MultiRead(t.Context(), ops...))
		check(c.Pipeline().MultiRead(t.Context(), ops...).Wait(t.Context()))
	})
}

func TestMultiRead_OfNothingAndOfFaults(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		before := srv.Requests()
		got, err := c.MultiRead(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
		for _, bad := range []zk.ReadOp{zk.GetOp(""), zk.ChildrenOp("a"), zk.GetOp("/a/"), {}} {
			got, err = c.MultiRead(t.Context(), zk.GetOp("/"), bad)
			require.Empty(t, got)
			require.Error(t, err)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		}
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.ErrorContains(t, err, "op 1 is the zero ReadOp")
		require.Equal(t, before, srv.Requests())
		got, err = c.Pipeline().MultiRead(t.Context()).Wait(t.Context())
		require.NoError(t, err)
		require.Empty(t, got)
	})
}

// A lost connection does not matter to a read, and a missing chroot is found.
func TestMultiRead_IsARead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app/a", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		cut := false
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "multiRead" && !cut {
				cut = true
				if q.Path != "/app/a" {
					t.Errorf("the hook sees the path %q", q.Path)
				}
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		got, err := c.MultiRead(t.Context(), zk.GetOp("/a"))
		require.NoError(t, err)
		require.NoError(t, got[0].Err)
		require.True(t, cut)

		got, err = c.MultiRead(t.Context(), zk.GetOp("/none"), zk.ChildrenOp("/none"))
		require.NoError(t, err, "the chroot is there")
		require.Len(t, got, 2)
		require.NoError(t, srv.Delete("/app/a"))
		require.NoError(t, srv.Delete("/app"))
		got, err = c.MultiRead(t.Context(), zk.GetOp("/none"), zk.ChildrenOp("/"))
		require.ErrorIs(t, err, zk.ErrNoChroot)
		require.Empty(t, got)
	})
}

// Replies that do not fit the request end the connection, as every malformed reply does.
func TestMultiRead_RepliesThatDoNotFit(t *testing.T) {
	get := proto.ReadResult{Op: proto.OpGetData, Data: []byte("x"), Stat: aStat}
	list := proto.ReadResult{Op: proto.OpGetChildren, Names: []string{"a"}}
	for name, bad := range map[string][]proto.ReadResult{
		"too few":      {get},
		"too many":     {get, list, get},
		"swapped":      {list, get},
		"failed as OK": {get, {Op: proto.OpError}},
		"no read":      {get, {Op: proto.OpSetData}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer := func(results []proto.ReadResult) func(*scripted) {
					return func(c *scripted) {
						c.serve(func(q asked) []byte {
							if q.Op != proto.OpMultiRead {
								return nil
							}
							return replyTo(q.Xid, 10, proto.OK, serverproto.AppendMultiReadResponse(nil, results))
						})
					}
				}
				s := &script{play: []func(*scripted){answer(bad), answer([]proto.ReadResult{get, list})}}
				c := s.client(t)
				got, err := c.MultiRead(inTime(t), zk.GetOp("/a"), zk.ChildrenOp("/b"))
				require.ErrorIs(t, err, zk.ErrProtocol)
				require.Empty(t, got)
				got, err = c.MultiRead(inTime(t), zk.GetOp("/a"), zk.ChildrenOp("/b"))
				require.NoError(t, err, "the next connection")
				require.Equal(t, []zk.ReadResult{
					{Path: "/a", Data: []byte("x"), Stat: zk.Stat(aStat)}, {Path: "/b", Names: []string{"a"}},
				}, got)
			})
		})
	}
}
