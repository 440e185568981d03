package protect_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// failures: 49, 54: an abandoned node is deleted, over cuts, lost replies and
// refusals. It is no fault if the node is gone already.
func TestAbandon_DeletesUntilItIsConfirmed(t *testing.T) {
	for name, harm := range map[string]zktest.Verdict{
		"none": zktest.Pass, "cut before": zktest.CutBefore, "reply lost": zktest.DropReplyAndCut,
		"reply swallowed": zktest.DropReply, "hung": zktest.Hang, "refused": zktest.Fail(int32(zk.ErrNoAuth)),
	} {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 2, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv)
				var paths []string
				for range 5 {
					made, err := c.Create(t.Context(), "/n-", nil, zk.EphemeralSequential)
					require.NoError(t, err)
					paths = append(paths, made.Path)
				}
				require.NoError(t, srv.Delete(paths[4]))
				tries := 0
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "delete" {
						if tries++; tries <= 3 {
							return harm
						}
					}
					return zktest.Pass
				})
				for _, path := range paths {
					protect.Abandon(c, c.Session(), path)
				}
				time.Sleep(30 * time.Second)
				require.Equal(t, []string{"zookeeper"}, srv.Children("/"))
				before := srv.Requests()
				time.Sleep(10 * time.Second)
				require.LessOrEqual(t, srv.Requests()-before, int64(25), "it is quiet when all is done")
			})
		})
	}
}

// failures: 49: abandoned while there is no connection; by path, or by the GUID
// alone.
func TestAbandon_WhileDisconnected(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		guid, ofP := protect.NewGUID(), protect.NewGUID()
		a, err := c.Create(t.Context(), "/dir/a-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		_, err = protect.CreateAs(t.Context(), c, guid, "/dir/b-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		p, err := protect.CreateAs(t.Context(), c, ofP, "/dir/p-", nil, zk.PersistentSequential)
		require.NoError(t, err)
		id := c.Session().ID()
		srv.Down(1, true)
		synctest.Wait()
		protect.Abandon(c, c.Session(), a.Path)
		require.NoError(t, protect.AbandonGUID(c, c.Session(), "/dir", guid))
		require.NoError(t, protect.AbandonGUID(c, c.Session(), "/dir", protect.NewGUID())) // of a create that never happened
		require.NoError(t, protect.AbandonGUID(c, nil, "/dir", ofP))
		time.Sleep(2 * time.Second)
		srv.Down(1, false)
		time.Sleep(30 * time.Second)
		require.Equal(t, id, c.Session().ID())
		require.Empty(t, srv.Children("/dir"), p.Path)
	})
}

// failures: 49: the session that owned the node has ended. The janitor has nothing
// to do, and does not delete a later node of another client at the same path.
func TestAbandon_EndsWithTheSession(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		made, err := c.Create(t.Context(), "/n", nil, zk.Ephemeral)
		require.NoError(t, err)
		old := c.Session()
		srv.Down(1, true)
		synctest.Wait()
		protect.Abandon(c, old, made.Path)
		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		<-old.Context().Done()
		require.True(t, old.Gone())
		require.NoError(t, srv.Create("/n", []byte("somebody else's")))
		time.Sleep(time.Minute)
		require.True(t, srv.Exists("/n"))
	})
}

// AbandonBy runs until it has succeeded, or its session is gone.
func TestAbandonBy_RunsUntilItIsDone(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		var done, vain atomic.Int32
		protect.AbandonBy(c, c.Session(), "/a", func(ctx context.Context) error {
			require.NoError(t, ctx.Err())
			if done.Add(1) < 4 {
				return zk.ErrNoAuth
			}
			return nil
		})
		protect.AbandonBy(c, c.Session(), "/b", func(context.Context) error { vain.Add(1); return zk.ErrNoAuth })
		time.Sleep(time.Minute)
		require.EqualValues(t, 4, done.Load())
		require.Greater(t, vain.Load(), int32(4))
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		time.Sleep(time.Minute)
		was := vain.Load()
		time.Sleep(time.Minute)
		require.Equal(t, was, vain.Load())
	})
}

// failures: 49, 115: ephemeral nodes end with the session at Close. The error of
// Close names a persistent node that is not deleted yet, and all that is
// unconfirmed.
func TestAbandon_CloseNamesWhatIsLeft(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv)
		e, err := c.Create(t.Context(), "/e-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		p, err := c.Create(t.Context(), "/p-", nil, zk.PersistentSequential)
		require.NoError(t, err)
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		protect.Abandon(c, c.Session(), e.Path)
		protect.Abandon(c, nil, p.Path)
		time.Sleep(5 * time.Second)
		err = c.Close(clienttest.InTime(t))
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorContains(t, err, p.Path)
		require.NotContains(t, fmt.Sprint(err), e.Path, "it went with its session")
		require.False(t, srv.Exists(e.Path))

		srv.OnRequest(nil)
		c = clienttest.Open(t, srv)
		e, err = c.Create(t.Context(), "/e-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		srv.Down(1, true)
		protect.Abandon(c, c.Session(), e.Path)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err = c.Close(ctx)
		require.LessOrEqual(t, time.Since(start), time.Second)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorContains(t, err, e.Path)
		protect.Abandon(c, c.Session(), "/after") // too late, and harmless
		srv.Down(1, false)
	})
}

// AbandonGUID returns an error for bad arguments, because its delete reports
// none.
func TestAbandonGUID_SaysWhatIsWrong(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		err := protect.AbandonGUID(c, nil, "/dir", "n")
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		err = protect.AbandonGUID(c, nil, "dir", protect.NewGUID())
		require.ErrorIs(t, err, zk.ErrInvalidPath)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NoError(t, protect.AbandonGUID(c, nil, "/dir", protect.NewGUID()))
		time.Sleep(time.Second)
	})
}

// The stats of a client show how many nodes are to be deleted.
func TestAbandon_IsShownInStats(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		counts := func(left, trying, pausing int) []zk.CompanionReport {
			return []zk.CompanionReport{{Name: "janitor", Counts: map[string]int{
				"abandoned nodes": left, "being deleted": trying, "in a pause": pausing,
			}}}
		}
		require.Empty(t, c.Stats().Companions, "nothing was abandoned yet")
		var paths []string
		for range 3 {
			made, err := c.Create(t.Context(), "/n-", nil, zk.EphemeralSequential)
			require.NoError(t, err)
			paths = append(paths, made.Path)
		}
		srv.Silence(1, true)
		for _, path := range paths {
			protect.Abandon(c, c.Session(), path)
		}
		synctest.Wait()
		require.Equal(t, counts(3, 3, 0), c.Stats().Companions)
		srv.Down(1, true)
		srv.Silence(1, false)
		synctest.Wait()
		require.Equal(t, counts(3, 0, 3), c.Stats().Companions, "the deletes were lost, and are repeated after a pause")
		srv.Down(1, false)
		time.Sleep(10 * time.Second)
		require.Equal(t, counts(0, 0, 0), c.Stats().Companions)
	})
}
