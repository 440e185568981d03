package zk_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// expired requires that a call was refused because its session had ended, and
// that it was not sent.
func expired(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, zk.ErrSessionExpired)
	require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
}

// Calls that wait for room belong to the session in which they were submitted, like
// calls that have room. When the session ends, writes and pipelines fail at once,
// and reads go on.
func TestSession_CallsThatWaitForRoomDoNotRunInTheNextSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 2 })
		old := c.Session()
		srv.Down(1, true)
		synctest.Wait()

		creates := make(chan error, 6)
		for i := range 6 {
			go func() {
				_, err := c.Create(ctx, fmt.Sprintf("/e%d", i), nil, zk.Ephemeral)
				creates <- err
			}()
		}
		synctest.Wait()
		piped, read := make(chan error, 1), make(chan error, 1)
		go func() {
			_, err := c.Pipeline().Exists(ctx, "/e0").Wait(ctx)
			piped <- err
		}()
		go func() {
			_, _, err := c.Exists(ctx, "/e0")
			read <- err
		}()
		synctest.Wait()

		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		require.NoError(t, <-read, "reads continue")
		require.NoError(t, c.Sync(ctx, "/"))
		require.NotEqual(t, old.ID(), c.Session().ID())
		synctest.Wait()
		require.Empty(t, srv.Dump(), "ephemerals of the next session")
		for range 6 {
			expired(t, <-creates)
		}
		expired(t, <-piped)
	})
}

// Calls that are submitted between two sessions belong to the next one, whether
// they have room or wait for it.
func TestSession_CallsBetweenTwoSessionsBelongToTheNext(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 2 })
		srv.Down(1, true)
		for s := range c.States(ctx) {
			if s == zk.StateExpired {
				break
			}
		}
		creates := make(chan error, 6)
		for i := range 6 {
			go func() {
				_, err := c.Create(ctx, fmt.Sprintf("/e%d", i), nil, zk.Ephemeral)
				creates <- err
			}()
		}
		piped := make(chan error, 1)
		go func() {
			p := c.Pipeline()
			p.Create(ctx, "/p0", nil, zk.Ephemeral)
			_, err := p.Create(ctx, "/p1", nil, zk.Ephemeral).Wait(ctx)
			piped <- err
		}()
		synctest.Wait()
		srv.Down(1, false)
		for range 6 {
			require.NoError(t, <-creates)
		}
		require.NoError(t, <-piped)
	})
}

// A write that a throttled server did not run is sent again in its own session only,
// whether it was submitted with InSession or without.
func TestSession_ThrottledWriteIsNotSentAgainInTheNextSession(t *testing.T) {
	const throttled = -127
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := inTime(t)
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
		})
		old := c.Session()
		onNth(srv, "create", 1, zktest.Fail(throttled))
		result := make(chan error, 1)
		go func() {
			_, err := c.Create(ctx, "/again", nil, zk.Persistent)
			result <- err
		}()
		require.NoError(t, <-result, "in its session it is sent again")

		onNth(srv, "create", 1, zktest.Fail(throttled))
		go func() {
			_, err := c.Create(ctx, "/late", nil, zk.Ephemeral)
			result <- err
		}()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(old.ID()))
		expired(t, <-result)
		require.NoError(t, c.Sync(ctx, "/"))
		require.False(t, srv.Exists("/late"))
	})
}

// A pipeline whose requests wait for room when its session ends stays broken.
func TestPipeline_ThatWaitsForRoomBreaksWithItsSession(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := context.Background()
		c := connect(t, srv, func(cfg *zk.Config) { cfg.MaxInFlight = 1 })
		old := c.Session()
		srv.Down(1, true)
		synctest.Wait()
		p := c.Pipeline()
		a := p.Create(ctx, "/a", nil, zk.Persistent)
		done := make(chan *zk.Future[zk.Created], 1)
		go func() { done <- p.Create(ctx, "/b", nil, zk.Persistent) }()
		synctest.Wait()
		require.NoError(t, srv.ExpireSession(old.ID()))
		srv.Down(1, false)
		_, err := a.Wait(ctx)
		expired(t, err)
		_, err = (<-done).Wait(ctx)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.NoError(t, c.Sync(ctx, "/"))
		_, err = p.Create(ctx, "/c", nil, zk.Persistent).Wait(ctx)
		require.ErrorIs(t, err, zk.ErrPipelineBroken)
		require.False(t, srv.Exists("/b") || srv.Exists("/c"))
	})
}
