package presence_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/presence"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// An Update whose context has ended before the call records nothing, and its error
// says so. It is not stored later, whether the node is registered or not.
func TestNode_UpdateWithAnEndedContextRecordsNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		n := start(t, c, presence.Config{})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		refuses := func() {
			err := n.Update(ended, []byte("2"))
			require.ErrorIs(t, err, context.Canceled)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%v", err)
		}
		refuses()
		s := await(t, n, registered)
		refuses()
		time.Sleep(time.Second)
		require.Equal(t, "1", data(t, c, s.Path))
		require.NoError(t, srv.ExpireSession(s.Session.ID()))
		s = await(t, n, after(s))
		require.Equal(t, "1", data(t, c, s.Path))
		require.NoError(t, n.Leave(t.Context()))
	})
}
