package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// lead calls HandOver with its own context after the leadership was lost. That context
// has ended too. The error still says that we lead no longer.
func TestHandOver_AfterALossWithTheContextOfLead(t *testing.T) {
	for _, to := range []string{"", "other"} {
		t.Run("to "+to, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				ctx, cancel := context.WithCancel(t.Context())
				_ = election.New(c, "/e", election.Config{ID: "me"}).Run(ctx, func(ctx context.Context, l *election.Leadership) error {
					defer cancel()
					time.Sleep(time.Second)
					require.NoError(t, srv.ExpireSession(c.Session().ID()))
					<-ctx.Done()
					require.ErrorIs(t, l.HandOver(ctx, to), election.ErrNotLeader)
					return nil
				})
			})
		})
	}
}

// The leadership is lost while HandOver lists the candidates, and ends its context.
func TestHandOver_LossEndsItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		_ = election.New(c, "/e", election.Config{ID: "me"}).Run(ctx, func(ctx context.Context, l *election.Leadership) error {
			defer cancel()
			srv.OnRequest(func(r zktest.Request) zktest.Verdict {
				if r.Op != "children" && r.Op != "children2" {
					return zktest.Pass
				}
				return zktest.Hang
			})
			go func() { _ = srv.Delete(l.Path()) }()
			err := l.HandOver(ctx, "other")
			srv.OnRequest(nil)
			require.ErrorIs(t, err, election.ErrNotLeader)
			return nil
		})
	})
}
