package election_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// The reply to a candidate's create is lost, so that it finds its node late. It can
// then be first in the first list that it reads. It still stands aside for a candidate
// that was named or has a higher priority, as if it had waited.
func TestHandOver_CandidateThatLearnsLateOfItsNode(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, l *election.Leadership) error{
		"named":    func(t *testing.T, l *election.Leadership) error { return l.HandOver(t.Context(), "d") },
		"priority": func(t *testing.T, l *election.Leadership) error { return l.Resign(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := newCrew(t, srv)
				c.join("a", 0)
				_, a := c.leader()
				var creates, syncs atomic.Int32
				var b atomic.Int64 // its session; the heartbeats of the others are syncs too
				lost, settle := make(chan struct{}), make(chan struct{})
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					switch {
					case r.Op == "create" && creates.Add(1) == 1:
						b.Store(r.Session)
						return zktest.DropReplyAndCut
					case r.Op == "sync" && r.Session == b.Load() && syncs.Add(1) == 1:
						close(lost)
						<-settle
					}
					return zktest.Pass
				})
				c.join("b", 0)
				<-lost
				require.Len(t, srv.Children("/e"), 2, "b is in the queue, and does not know it")
				c.join("c", 0)
				c.join("d", 9)
				if name == "named" {
					c.join("e", 99)
				}
				left := make(chan error, 1)
				go func() { left <- leave(t, a) }()
				synctest.Wait()
				require.False(t, srv.Exists(a.Path()))
				close(settle)
				require.NoError(t, <-left)
				id, _ := c.leader()
				require.Equal(t, "d", id)
				srv.OnRequest(nil)
				c.end()
				c.runs.Wait()
			})
		})
	}
}
