package election_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The leadership goes from process to process, with its token and its data. Observers and
// candidates notice nothing.
func TestDetach_LeadershipMovesWithItsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c, watcher := connect(t, srv), election.New(connect(t, srv), "/e", election.Config{})
		l, err := election.New(c, "/e", election.Config{ID: "one"}).Campaign(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Proclaim(t.Context(), []byte("proclaimed")))
		token := l.Token()
		led := make(chan *election.Leadership, 1)
		go func() {
			other, err := watcher.Campaign(t.Context())
			if err == nil {
				led <- other
			}
		}()
		for range 3 {
			d, err := l.Detach(t.Context())
			require.NoError(t, err)
			require.ErrorIs(t, context.Cause(l.Context()), election.ErrDetached)
			require.NoError(t, l.Resign(t.Context()), "it does nothing")
			require.ErrorIs(t, l.Proclaim(t.Context(), []byte("late")), election.ErrNotLeader)
			text, err := json.Marshal(d)
			require.NoError(t, err)
			d = recipes.Detached{}
			require.NoError(t, json.Unmarshal(text, &d))

			session, err := c.Detach(t.Context())
			require.NoError(t, err)
			c = connect(t, srv, func(cfg *zk.Config) { cfg.Resume = session })
			e := election.New(c, "/e", election.Config{ID: "two"})
			require.False(t, e.IsLeader())
			l, err = e.Resume(t.Context(), d)
			require.NoError(t, err)
			require.True(t, e.IsLeader())
			require.Equal(t, token, l.Token())
			require.Equal(t, "proclaimed", string(e.Known().Leader.Data))
			_, err = e.Resume(t.Context(), d)
			require.ErrorIs(t, err, recipes.ErrResumed)
			synctest.Wait()
			require.Empty(t, led)
		}
		require.NoError(t, l.Resign(t.Context()))
		next := <-led
		require.Greater(t, next.Token(), token)
		require.NoError(t, next.Resign(t.Context()))
		_, err = l.Detach(t.Context())
		require.ErrorIs(t, err, election.ErrNotLeader)
	})
}

// A leader of Run that detaches its leadership does not campaign beside its node.
func TestDetach_EndsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		e := election.New(connect(t, srv), "/e", election.Config{})
		var d recipes.Detached
		err := e.Run(t.Context(), func(ctx context.Context, l *election.Leadership) (err error) {
			d, err = l.Detach(ctx)
			require.Error(t, ctx.Err())
			return err
		})
		require.NoError(t, err)
		require.Len(t, srv.Children("/e"), 1)
		l, err := e.Resume(t.Context(), d)
		require.NoError(t, err)
		require.NoError(t, l.Resign(t.Context()))
	})
}

// A Detached that was made by hand names a leadership that the client has, and has not
// detached.
func TestResume_OfALiveLeadershipIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		e := election.New(connect(t, srv), "/e", election.Config{ID: "a"})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		_, err = e.Resume(t.Context(), recipes.Detached{Path: l.Path(), Token: l.Token()})
		require.ErrorIs(t, err, recipes.ErrResumed)
		require.NoError(t, l.Context().Err())
		require.NoError(t, l.Resign(t.Context()))
	})
}

func TestResume_IsRefusedWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := connect(t, srv)
		e := election.New(c, "/e", election.Config{})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		d, err := l.Detach(t.Context())
		require.NoError(t, err)
		_, err = election.New(connect(t, srv), "/e", election.Config{}).Resume(t.Context(), d)
		require.ErrorIs(t, err, recipes.ErrIDTaken)
		require.NoError(t, srv.Delete(d.Path))
		_, err = e.Resume(t.Context(), d)
		require.ErrorIs(t, err, election.ErrDeleted)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.False(t, e.IsLeader())
	})
}

// Resume reads the data of the node before it leads. If it cannot, it says so, and the
// node is as before: a later Resume takes it over with its data.
func TestResume_DataThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := connect(t, srv)
		l, err := election.New(c, "/e", election.Config{ID: "one"}).Campaign(t.Context())
		require.NoError(t, err)
		require.NoError(t, l.Proclaim(t.Context(), []byte("proclaimed")))
		d, err := l.Detach(t.Context())
		require.NoError(t, err)
		e := election.New(c, "/e", election.Config{ID: "two"})
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "get" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		_, err = e.Resume(t.Context(), d)
		require.ErrorIs(t, err, zk.ErrNoAuth, "it leads as %q", e.Known().Leader.Data)
		var right *recipes.RightError
		require.ErrorAs(t, err, &right)
		require.Equal(t, d.Path, right.Path)
		require.False(t, e.IsLeader())
		srv.OnRequest(nil)
		require.True(t, srv.Exists(d.Path))
		l, err = e.Resume(t.Context(), d)
		require.NoError(t, err)
		require.Equal(t, d.Token, l.Token())
		require.Equal(t, "proclaimed", string(e.Known().Leader.Data))
		require.NoError(t, l.Resign(t.Context()))
	})
}

// Somebody deletes the node while Resume reads its data.
func TestResume_NodeThatIsDeletedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		c := connect(t, srv)
		e := election.New(c, "/e", election.Config{ID: "one"})
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		d, err := l.Detach(t.Context())
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "get" {
				_ = srv.Delete(d.Path) // an error shows in what the test sees
			}
			return zktest.Pass
		})
		_, err = e.Resume(t.Context(), d)
		require.ErrorIs(t, err, election.ErrDeleted)
		require.False(t, e.IsLeader())
	})
}
