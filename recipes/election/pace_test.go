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

// pauses runs terms of one candidate, and returns the pauses between them: from the
// return of lead to the next lead. Each lead gets
// its number, from 0, and ends its leadership itself.
func pauses(t *testing.T, srv *zktest.Server, terms int, lead func(term int, l *election.Leadership)) (out []time.Duration) {
	e := election.New(connect(t, srv), "/e", election.Config{ID: "a", BackOff: func() backoff.BackOff {
		return backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMultiplier(2),
			backoff.WithRandomizationFactor(0), backoff.WithMaxInterval(time.Hour), backoff.WithMaxElapsedTime(0))
	}})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended time.Time
	_ = e.Run(ctx, func(_ context.Context, l *election.Leadership) error {
		if !ended.IsZero() {
			out = append(out, time.Since(ended).Round(time.Second))
		}
		lead(len(out), l)
		<-l.Context().Done()
		ended = time.Now()
		if len(out) == terms {
			cancel()
		}
		return nil
	})
	return out
}

// Terms that end soon make the pauses of Run longer. A term that has lasted makes them
// short again, also if it ended by HandOver.
func TestRun_PausesBeginAgainAfterALongTermThatWasHandedOver(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		b := election.New(connect(t, srv), "/e", election.Config{ID: "b"})
		led := make(chan error, 1)
		out := pauses(t, srv, 5, func(term int, l *election.Leadership) {
			if term != 3 {
				require.NoError(t, srv.Delete(l.Path()))
				return
			}
			time.Sleep(2 * time.Minute)
			go func() {
				next, err := b.Campaign(t.Context())
				if err == nil {
					time.Sleep(3 * time.Second)
					err = next.Resign(t.Context())
				}
				led <- err
			}()
			time.Sleep(time.Second)
			require.NoError(t, l.HandOver(t.Context(), "b"))
		})
		require.NoError(t, <-led)
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 3 * time.Second, time.Second}, out)
	})
}

// A leadership that ends at once has not lasted, although lead takes long to return.
func TestRun_PausesGrowAlthoughLeadReturnsLate(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		out := pauses(t, srv, 4, func(_ int, l *election.Leadership) {
			require.NoError(t, srv.Delete(l.Path()))
			time.Sleep(2 * time.Minute)
		})
		require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}, out)
	})
}
