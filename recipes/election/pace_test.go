package election_test

import (
	"context"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// Somebody deletes the leader's node in each term. The policy of the pauses ends after
// two tries. The terms still follow each other a second apart.
func TestRun_PolicyThatEndsIsNoHotLoop(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		e := election.New(c, "/e", election.Config{ID: "a", BackOff: func() backoff.BackOff {
			return backoff.WithMaxRetries(backoff.NewConstantBackOff(time.Second), 2)
		}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		terms := 0
		_ = e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
			if terms++; terms == 500 {
				cancel()
			}
			require.NoError(t, srv.Delete(l.Path()))
			<-ctx.Done()
			return nil
		})
		require.InDelta(t, 60, terms, 2, "terms in a minute")
	})
}
