package zk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// member is a participant that can join.
func member(id int64, host string) zk.EnsembleServer {
	return zk.EnsembleServer{ID: id, Peers: []zk.PeerAddress{{Host: host, Quorum: 2888, Election: 3888}}, Client: host + ":2181"}
}

// Everything that is wrong with a change is in one error, and nothing is sent.
func TestReconfig_InvalidIsNotSent(t *testing.T) {
	changed := func(f func(*zk.EnsembleServer)) zk.Reconfig {
		s := member(4, "zk4")
		f(&s)
		return zk.Reconfig{Joining: []zk.EnsembleServer{s}}
	}
	cases := []struct {
		name    string
		change  zk.Reconfig
		version int64
		faults  []string
	}{
		{"nothing", zk.Reconfig{}, -2, []string{"no server joins or leaves", "version -2"}},
		{"both kinds", zk.Reconfig{Leaving: []int64{1}, Members: []zk.EnsembleServer{member(1, "a")}}, 0, []string{"Joining and Leaving must be empty"}},
		{"both forms", zk.Reconfig{
			Joining: []zk.EnsembleServer{member(4, "a")}, JoiningText: "server.5=b:1:2;3", Leaving: []int64{1}, LeavingText: "2",
		}, 0, []string{"Joining and JoiningText", "Leaving and LeavingText"}},
		{"both forms of Members", zk.Reconfig{Members: []zk.EnsembleServer{member(4, "a")}, MembersText: "server.5=b:1:2;3"}, 0, []string{"Members and MembersText"}},
		{"a server of zeros", changed(func(s *zk.EnsembleServer) { *s = zk.EnsembleServer{} }), 0, []string{"server 0: no address for the other servers", "server 0 has no client address"}},
		{"bad id and role", changed(func(s *zk.EnsembleServer) { s.ID, s.Role = -1, 7 }), 0, []string{"server -1: the ID is negative", "unknown role 7"}},
		{"no host", changed(func(s *zk.EnsembleServer) { s.Peers[0].Host = "" }), 0, []string{`"" is not a host`}},
		{"a host with a second entry", changed(func(s *zk.EnsembleServer) { s.Peers[0].Host = "a:1:2;3,server.1=b" }), 0, []string{"is not a host"}},
		{"a host with a line end", changed(func(s *zk.EnsembleServer) { s.Peers[0].Host = "a\nserver.1=b" }), 0, []string{"is not a host"}},
		{"no ports", changed(func(s *zk.EnsembleServer) { s.Peers[0].Quorum = 0 }), 0, []string{"zk4 has no quorum port or no election port"}},
		{"one port for both", changed(func(s *zk.EnsembleServer) { s.Peers[0].Election = 2888 }), 0, []string{"port 2888 for the quorum and for the election"}},
		{"client address without a port", changed(func(s *zk.EnsembleServer) { s.Client = "zk4" }), 0, []string{`"zk4" is not a port`}},
		{"client address with an entry", changed(func(s *zk.EnsembleServer) { s.Client = "zk4,server.1=x:1" }), 0, []string{"server 4"}},
		{"twice", zk.Reconfig{Joining: []zk.EnsembleServer{member(4, "a"), member(4, "b")}}, 0, []string{"server 4 is there twice"}},
		{"joins and leaves", zk.Reconfig{JoiningText: "server.4=a:1:2;3", Leaving: []int64{4, -5}}, 0, []string{"server 4 joins and leaves", "-5 is not the id"}},
		{"text", zk.Reconfig{JoiningText: "server.4=a:1;3,weight.4=1", LeavingText: "1,x,"}, 0, []string{
			`"a:1" is not host:port:port`, `"weight.4=1" is not server.ID=...`, `"x" is not the id`, `"" is not the id`,
		}},
		{"no vote", zk.Reconfig{MembersText: "server.1=a:1:2:observer;3"}, 0, []string{"no server is a participant"}},
		{"no members", zk.Reconfig{MembersText: "version=1"}, 0, []string{"no server is a participant"}},
	}
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		before := srv.Requests()
		for _, tt := range cases {
			got, err := c.Reconfig(t.Context(), tt.change, tt.version)
			require.ErrorIs(t, err, zk.ErrBadArguments, tt.name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), tt.name)
			require.False(t, zk.SafeToRetry(err), tt.name)
			require.Empty(t, got)
			require.NotContains(t, err.Error(), "\n")
			for _, fault := range tt.faults {
				require.ErrorContains(t, err, fault, tt.name)
			}
		}
		require.Equal(t, before, srv.Requests())
	})
}

// The error of a refusal says what to do.
func TestReconfig_RefusalsSayWhatToDo(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for code, hint := range map[zk.Code]string{
			zk.ErrNoAuth:             "only the super user",
			zk.ErrReconfigDisabled:   "reconfigEnabled=true",
			zk.ErrBadVersion:         "the configuration has not the version 1a00000003: read it again",
			zk.ErrNewConfigNoQuorum:  "start the servers that join first",
			zk.ErrReconfigInProgress: "wait until the other change is complete",
			zk.ErrBadArguments:       "the log of the leader",
			zk.ErrUnimplemented:      "runs alone",
			zk.ErrSystemError:        "system error",
		} {
			onNth(srv, "reconfig", 1, zktest.Fail(int32(code)))
			_, err := c.Reconfig(inTime(t), zk.Reconfig{Leaving: []int64{3}}, 0x1a00000003)
			require.ErrorIs(t, err, code)
			require.ErrorContains(t, err, "zk: reconfig: "+code.Error())
			require.ErrorContains(t, err, hint)
			require.Equal(t, code == zk.ErrSystemError, zk.OutcomeOf(err) == zk.OutcomeUnknown, code)
		}
	})
}

// A reconfig whose reply is lost has an unknown outcome, and is not sent again.
func TestReconfig_CutOffIsUnknown(t *testing.T) {
	for name, verdict := range map[string]zktest.Verdict{
		"before": zktest.CutBefore, "behind": zktest.DropReplyAndCut, "inside the reply": zktest.CutReplyAfter(10), "hung": zktest.Hang,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				seen := 0
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op != "reconfig" {
						return zktest.Pass
					}
					seen++
					return verdict
				})
				_, err := c.Reconfig(inTime(t), zk.Reconfig{Leaving: []int64{3}}, zk.AnyConfig)
				require.ErrorIs(t, err, zk.ErrConnectionLoss)
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
				require.False(t, zk.SafeToRetry(err))
				srv.OnRequest(nil)
				require.NoError(t, c.Sync(inTime(t), "/"))
				require.Equal(t, 1, seen)
			})
		})
	}
}

// While the client has no connection, the request is withdrawn when its context ends.
func TestReconfig_CancelledBeforeItIsWritten(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		srv.Down(1, true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{3}}, zk.AnyConfig)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.Down(1, false)
	})
}

// The bytes of a request, and the result of a reply.
func TestReconfig_Bytes(t *testing.T) {
	null, text := proto.AppendBuffer(nil, nil), func(s string) []byte { return proto.AppendString(nil, s) }
	line4 := "server.4=zk4:2888:3888:participant;zk4:2181"
	ipv6 := member(5, "fd00::5")
	ipv6.Client, ipv6.Role = "[fd00::5]:2181", zk.Observer
	line5 := "server.5=[fd00::5]:2888:3888:observer;[fd00::5]:2181"
	both := []zk.EnsembleServer{member(4, "zk4"), ipv6}
	for _, tt := range []struct {
		change zk.Reconfig
		want   [][]byte
	}{
		{zk.Reconfig{Joining: both}, [][]byte{text(line4 + "," + line5), null, null}},
		{zk.Reconfig{JoiningText: line4 + ", server.6=h:1:2;3", LeavingText: "1, 2"}, [][]byte{text(line4 + ",server.6=h:1:2:participant;0.0.0.0:3"), text("1,2"), null}},
		{zk.Reconfig{Leaving: []int64{1, 2}}, [][]byte{null, text("1,2"), null}},
		{zk.Reconfig{Members: both}, [][]byte{null, null, text(line4 + "\n" + line5)}},
		{zk.Reconfig{MembersText: line4 + ",group.1=4"}, [][]byte{null, null, text(line4 + ",group.1=4")}},
	} {
		synctest.Test(t, func(t *testing.T) {
			got := make(chan asked, 1)
			answer := func(c *scripted) {
				for q := range c.requests {
					if q.Op != proto.OpReconfig {
						c.say(good(q))
						continue
					}
					got <- q
					body := proto.AppendBuffer(nil, []byte(threeServers))
					c.say(replyTo(q.Xid, 9, proto.OK, serverproto.AppendStat(body, proto.Stat{})))
				}
			}
			s := &script{play: []func(*scripted){answer}}
			c := s.client(t)
			e, err := c.Reconfig(inTime(t), tt.change, 0x1_0000_0004)
			require.NoError(t, err)
			require.EqualValues(t, int64(0x1a00000003), e.Version)
			require.Len(t, e.Servers, 3)
			var want []byte
			for _, part := range tt.want {
				want = append(want, part...)
			}
			require.Equal(t, proto.AppendInt64(want, 0x1_0000_0004), (<-got).body)
		})
	}
}

// A reply whose configuration is not readable means that the change was made.
func TestReconfig_UnreadableReply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(c *scripted) {
			for q := range c.requests {
				if q.Op != proto.OpReconfig {
					c.say(good(q))
					continue
				}
				c.say(replyTo(q.Xid, 9, proto.OK, serverproto.AppendStat(proto.AppendBuffer(nil, []byte("server.1")), proto.Stat{})))
			}
		}
		s := &script{play: []func(*scripted){answer}}
		_, err := s.client(t).Reconfig(inTime(t), zk.Reconfig{Leaving: []int64{3}}, zk.AnyConfig)
		require.ErrorIs(t, err, zk.ErrEnsembleConfig)
		require.ErrorContains(t, err, "the change was made")
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.True(t, strings.HasPrefix(err.Error(), "zk: reconfig: "))
	})
}

// ensembleOf is an embedded ensemble of three whose configuration the client, the
// super user, may change.
func ensembleOf(t *testing.T) (*zktest.Server, *zk.Client) {
	srv := zktest.Start(t, zktest.Config{Servers: 3, ReconfigEnabled: true, SuperPassword: "admin"})
	require.NoError(t, srv.Create("/app", nil))
	return srv, connect(t, srv, func(cfg *zk.Config) {
		cfg.Servers += "/app"
		cfg.Auth = []zk.Authenticator{zk.DigestAuth("super", "admin")}
	})
}

func TestReconfig_OnTheEmbeddedServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := ensembleOf(t)
		ctx := inTime(t)
		before, w, err := c.EnsembleConfigW(ctx)
		require.NoError(t, err)
		require.Len(t, before.Servers, 3)
		_, err = connect(t, srv).Reconfig(ctx, zk.Reconfig{Leaving: []int64{3}}, before.Version)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.ErrorContains(t, err, "only the super user")

		smaller, err := c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{3}}, before.Version)
		require.NoError(t, err)
		require.Equal(t, before.Servers[:2], smaller.Servers)
		require.Equal(t, srv.Zxid(), smaller.Version)
		event, err := w.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, zk.EventDataChanged, event.Type)
		read, err := c.EnsembleConfig(ctx)
		require.NoError(t, err)
		require.Equal(t, smaller, read)

		_, err = c.Reconfig(ctx, zk.Reconfig{Joining: before.Servers[2:]}, before.Version)
		require.ErrorIs(t, err, zk.ErrBadVersion)
		_, err = c.Reconfig(ctx, zk.Reconfig{Members: append([]zk.EnsembleServer{member(8, "a"), member(9, "b")}, before.Servers[0])}, zk.AnyConfig)
		require.ErrorIs(t, err, zk.ErrNewConfigNoQuorum)
		_, err = c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{2}}, zk.AnyConfig)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))

		observer := member(4, "zk4")
		observer.Role = zk.Observer
		whole, err := c.Reconfig(ctx, zk.Reconfig{Members: append(before.Servers, observer)}, smaller.Version)
		require.NoError(t, err)
		require.Equal(t, append(before.Servers, observer), whole.Servers)
	})
}

// A reply that is lost behind the change leaves the outcome open. Reading the
// configuration shows that the change was made.
func TestReconfig_LostReplyIsSettledByReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c := ensembleOf(t)
		before, err := c.EnsembleConfig(inTime(t))
		require.NoError(t, err)
		onNth(srv, "reconfig", 1, zktest.DropReplyAndCut)
		_, err = c.Reconfig(inTime(t), zk.Reconfig{Leaving: []int64{3}}, before.Version)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(inTime(t), "/"))
		after, err := c.EnsembleConfig(inTime(t))
		require.NoError(t, err)
		require.Greater(t, after.Version, before.Version)
		require.Equal(t, before.Servers[:2], after.Servers)
	})
}
