package election_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A call that is refused before anything was sent says so in its outcome, so that the
// caller can safely repeat it.
func TestElection_RefusedBeforeAnythingWasSent(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		e := election.New(c, "/e", election.Config{ID: "a"})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		resigned, err := election.New(c, "/other", election.Config{}).Campaign(t.Context())
		require.NoError(t, err)
		require.NoError(t, resigned.Resign(t.Context()))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		requests := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op != "ping" {
				requests++
			}
			return zktest.Pass
		})
		for name, call := range map[string]func() error{
			"Campaign": func() error { _, err := e.Campaign(ended); return err },
			"Campaign: priority": func() error {
				_, err := election.New(c, "/e", election.Config{Priority: 1, Dialect: recipes.Kazoo}).Campaign(t.Context())
				return err
			},
			"Campaign: path":     func() error { _, err := election.New(c, "e", election.Config{}).Campaign(t.Context()); return err },
			"Run":                func() error { return e.Run(ended, nil) },
			"Leader":             func() error { _, err := e.Leader(ended); return err },
			"Candidates":         func() error { _, err := e.Candidates(ended); return err },
			"HandOver":           func() error { return l.HandOver(ended, "b") },
			"HandOver, resigned": func() error { return resigned.HandOver(t.Context(), "b") },
			"Proclaim":           func() error { return l.Proclaim(ended, nil) },
		} {
			err := call()
			require.Error(t, err, name)
			assert.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%s: %v", name, err)
			t.Log(name+":", err)
		}
		require.Zero(t, requests)
		srv.OnRequest(nil)
		require.NoError(t, l.Resign(t.Context()))
	})
}

// The server refuses a read of a campaign, and then the delete of its node. The node may
// be there when Campaign returns, so the outcome is unknown. Run returns, because the
// server would refuse the next campaign too.
func TestRun_ReturnsARefusalAlsoIfItsNodeIsLeft(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "children" || r.Op == "delete" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		err := election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Run(t.Context(), func(context.Context, *election.Leadership) error { return nil })
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
		require.Len(t, srv.Children("/e"), 1)
		srv.OnRequest(nil)
	})
}

// The error of a campaign whose context has ended names the leader, and the number of
// candidates ahead.
func TestElection_CampaignErrorNamesTheCandidateAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		l, err := election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Campaign(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Proclaim(t.Context(), []byte("a's address")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = election.New(connect(t, srv), "/e", election.Config{ID: "b"}).Campaign(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ahead, ok := errors.AsType[*recipes.WaitError](err)
		require.True(t, ok)
		require.Equal(t, 1, ahead.Ahead)
		require.Equal(t, l.Token(), ahead.First.Token)
		require.ErrorContains(t, err, "a's address")
		require.NoError(t, l.Resign(t.Context()))
	})
}
