package core_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// A busy client moves from server to server of a real ensemble. Its session, its guard
// and a watch go on, and no request fails.
func TestCore_SetServersMovesABusyClient(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Size: 3})
	servers := strings.Split(e.Direct(), ",")
	c := connect(t, servers[0])
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := c.Create(ctx, "/d", nil, zk.Persistent)
	require.NoError(t, err)
	id := c.Session().ID()
	guard, done, err := c.Session().Guard(ctx)
	require.NoError(t, err)
	defer done()

	stop := make(chan struct{})
	var work sync.WaitGroup
	for w := range 4 {
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := c.Create(ctx, "/d/"+strconv.Itoa(w)+"-"+strconv.Itoa(i), nil, zk.Ephemeral); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for _, to := range []string{servers[1], servers[2]} {
		_, w, err := c.GetW(ctx, "/d")
		require.NoError(t, err)
		require.NoError(t, c.SetServers(to))
		for range c.States(ctx) {
			if c.Stats().Server == to {
				break
			}
		}
		require.NoError(t, ctx.Err())
		_, err = c.Set(ctx, "/d", nil, zk.AnyVersion)
		require.NoError(t, err)
		ev, err := w.Wait(ctx)
		require.NoError(t, err)
		require.Equal(t, zk.EventDataChanged, ev.Type)
	}
	close(stop)
	work.Wait()
	require.Equal(t, id, c.Session().ID())
	require.Equal(t, 2, c.Session().Resumed())
	require.NoError(t, guard.Err())
}
