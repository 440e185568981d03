package presence_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zktest"
)

// A session that has ended only by the client's clock still owns the node. The
// client is about to close it. A pause then would be a time without a node.
func TestNode_SpreadsOnlyWhatHasExpired(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{Spread: time.Hour})
		first := await(t, n, registered)
		time.Sleep(2 * time.Second)
		srv.SilenceReplies(1, true) // what the client sends keeps the session alive
		<-first.Session.Context().Done()
		require.Equal(t, first.Session.ID(), srv.Owner("/p/a"))
		srv.SilenceReplies(1, false)
		time.Sleep(10 * time.Second)
		require.Equal(t, presence.Registered, n.Status().State)
		require.Equal(t, c.Session().ID(), srv.Owner("/p/a"))
		require.NoError(t, n.Leave(t.Context()))
	})
}
