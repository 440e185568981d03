package docs_test

import (
	"context"
	"errors"
	"log"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The snippets of elections.md that need virtual time, and what that page says of
// followers.

// docs:begin every-second
// everySecond is the work of a leader: a step each second, until ctx ends.
func everySecond(ctx context.Context, step func(context.Context) error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return nil
		}
		within, cancel := context.WithTimeout(ctx, 5*time.Second)
		if err := step(within); err != nil {
			log.Print(err) // and on: to return it would give the leadership up
		}
		cancel()
	}
}

// docs:end every-second

// The connection is lost under a write of the leader, and it leads on.
func TestElectionsPage_AFailedStepIsNotTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		require.NoError(t, srv.Create("/scheduler", nil))
		client := srv.Client(t)
		e := election.New(client, "/e", election.Config{ID: "a"})
		ctx, end := context.WithCancel(t.Context())
		defer end()

		var errs []error
		var tokens []int64
		require.NoError(t, e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
			return everySecond(ctx, func(ctx context.Context) error {
				if len(errs) == 1 {
					loseReply(srv, "multi")
				}
				_, err := client.Multi(ctx, l.Check(), zk.SetOp("/scheduler", nil, zk.AnyVersion))
				errs, tokens = append(errs, err), append(tokens, l.Token())
				if len(errs) == 3 {
					end()
				}
				return err
			})
		}))
		require.NoError(t, errs[0])
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(errs[1]))
		require.NoError(t, errs[2])
		require.Equal(t, []int64{tokens[0], tokens[0], tokens[0]}, tokens, "one leadership")
	})
}

// docs:begin hand-over
// stepBack ends the leadership in favour of a candidate.
func stepBack(ctx context.Context, l *election.Leadership, to string) error {
	err := l.HandOver(ctx, to)
	if errors.Is(err, election.ErrNotFirst) {
		return nil // we lead no longer, but another candidate may lead instead
	}
	return err // nil: the candidate leads, or is about to
}

// docs:end hand-over

func TestElectionsPage_HandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		a := election.New(srv.Client(t), "/e", election.Config{ID: "a"})
		b := election.New(srv.Client(t), "/e", election.Config{ID: "b"})
		l, err := a.Campaign(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, stepBack(t.Context(), l, "b"), election.ErrNoCandidate)
		require.True(t, a.IsLeader(), "nobody was there")

		next := make(chan *election.Leadership, 1)
		go func() {
			l, err := b.Campaign(t.Context())
			if err == nil {
				next <- l
			}
		}()
		synctest.Wait()
		require.NoError(t, stepBack(t.Context(), l, "b"))
		require.ErrorIs(t, context.Cause(l.Context()), election.ErrHandedOver)
		require.False(t, a.IsLeader())
		require.NoError(t, (<-next).Resign(t.Context()))
	})
}

// A leader that is cut off leads no longer after about half the session timeout. Followers
// see it as the leader until its session has expired.
func TestElectionsPage_FollowersSeeALostLeaderForLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout, tick, heartbeat = 12 * time.Second, 2 * time.Second, time.Second
		srv := zktest.Start(t, zktest.Config{Servers: 2, TickTime: tick})
		client := func(server string) *zk.Client {
			return srv.Client(t, func(cfg *zk.Config) { cfg.Servers, cfg.SessionTimeout = server, timeout })
		}
		leader := election.New(client("zk1:2181"), "/e", election.Config{ID: "a"})
		follower := election.New(client("zk2:2181"), "/e", election.Config{})
		l, err := leader.Campaign(t.Context())
		require.NoError(t, err)

		ctx, end := context.WithCancel(t.Context())
		defer end()
		vacant := make(chan time.Time, 1)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for now := range follower.Observe(ctx) {
				if now.State == election.Vacant {
					vacant <- time.Now()
				}
			}
		}()
		time.Sleep(20*time.Second + 300*time.Millisecond) // not when a heartbeat is due
		require.Equal(t, election.Led, follower.Known().State)

		srv.Silence(1, true)
		cut := time.Now()
		<-l.Context().Done()
		require.LessOrEqual(t, time.Since(cut), timeout/2+heartbeat)
		require.Equal(t, election.Led, follower.Known().State, "the leader's node is still there")
		gone := (<-vacant).Sub(cut)
		require.GreaterOrEqual(t, gone, timeout-heartbeat)
		require.LessOrEqual(t, gone, timeout+tick)
		srv.Silence(1, false)
		end()
		<-over
	})
}
