package presence_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// lostThenRefused makes lost the verdict on the first set of the Node, and refuses the
// sets after it. With readable false it refuses reads of data too.
func lostThenRefused(srv *zktest.Server, lost zktest.Verdict, readable bool) {
	var sets atomic.Int32
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		switch {
		case r.Op == "set" && sets.Add(1) == 1:
			return lost
		case r.Op == "set", r.Op == "get" && !readable:
			return zktest.Fail(int32(zk.ErrNoAuth))
		}
		return zktest.Pass
	})
}

// The reply to the set of an Update is lost, and the server refuses the set when it is
// repeated. The outcome of Update is what has become of the first set, and so is the
// data with which the Node registers in the next session.
func TestNode_UpdateIsRefusedAfterALostReply(t *testing.T) {
	for name, c := range map[string]struct {
		lost     zktest.Verdict
		readable bool
		outcome  zk.Outcome // of the error
		stored   bool       // no error
		next     string     // the data in the next session
	}{
		"it was stored":               {lost: zktest.DropReplyAndCut, readable: true, stored: true, next: "2"},
		"it was not":                  {lost: zktest.CutBefore, readable: true, outcome: zk.OutcomeRejected, next: "1"},
		"it was stored, not readable": {lost: zktest.DropReplyAndCut, outcome: zk.OutcomeUnknown, next: "2"},
		"it was not, not readable":    {lost: zktest.CutBefore, outcome: zk.OutcomeRejected, next: "1"}, // its version says so
	} {
		for _, sequential := range []bool{false, true} {
			t.Run(name+"/sequential "+strconv.FormatBool(sequential), func(t *testing.T) {
				inBubble(t, func(t *testing.T, srv *zktest.Server) {
					client := connect(t, srv)
					n := start(t, client, presence.Config{Sequential: sequential})
					s := await(t, n, registered)
					time.Sleep(time.Second)
					lostThenRefused(srv, c.lost, c.readable)
					err := n.Update(t.Context(), []byte("2"))
					srv.OnRequest(nil)
					if c.stored {
						require.NoError(t, err)
					} else {
						require.ErrorIs(t, err, zk.ErrNoAuth)
						require.Equal(t, c.outcome, zk.OutcomeOf(err), "%v", err)
					}
					time.Sleep(time.Second)
					require.NoError(t, srv.ExpireSession(s.Session.ID()))
					s = await(t, n, after(s))
					require.Equal(t, c.next, data(t, client, s.Path))
					require.NoError(t, n.Update(t.Context(), []byte("3")))
					require.Equal(t, "3", data(t, client, s.Path))
					require.NoError(t, n.Leave(t.Context()))
				})
			})
		}
	}
}

// The reply to the set of an Update is lost, and the server refuses newer data. The
// Node returns to the data of the first Update, which the server has, or may have.
func TestNode_NewerDataIsRefusedAfterALostReply(t *testing.T) {
	for _, readable := range []bool{true, false} {
		t.Run("readable "+strconv.FormatBool(readable), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				n := start(t, c, presence.Config{})
				s := await(t, n, registered)
				time.Sleep(time.Second)
				lostThenRefused(srv, zktest.DropReplyAndCut, readable)
				srv.OnConnect(func(zktest.Connect) zktest.Verdict { return zktest.CutBefore })
				first, second := make(chan error, 1), make(chan error, 1)
				go func() { first <- n.Update(t.Context(), []byte("2")) }()
				time.Sleep(100 * time.Millisecond)
				go func() { second <- n.Update(t.Context(), []byte("3")) }()
				time.Sleep(100 * time.Millisecond)
				srv.OnConnect(nil)
				if err := <-first; readable {
					require.NoError(t, err)
				} else {
					require.ErrorIs(t, err, zk.ErrNoAuth)
					require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
				}
				err := <-second
				require.ErrorIs(t, err, zk.ErrNoAuth)
				require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), "%v", err)
				srv.OnRequest(nil)
				time.Sleep(time.Second)
				require.NoError(t, srv.ExpireSession(s.Session.ID()))
				s = await(t, n, after(s))
				require.Equal(t, "2", data(t, c, s.Path))
				require.NoError(t, n.Leave(t.Context()))
			})
		})
	}
}
