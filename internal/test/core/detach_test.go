package core_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// A session moves from client to client, and its node stays. A wrong password, a second
// use and a session that has expired are refused by a real server as by the embedded one.
func TestCore_DetachAndResume(t *testing.T) {
	onEachVersion(t, ensemble.Options{}, func(t *testing.T, servers string) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c := connect(t, servers)
		made, err := c.Create(ctx, "/n", nil, zk.Ephemeral)
		require.NoError(t, err)
		id := c.Session().ID()
		resume := func(text []byte) (*zk.Client, error) {
			d, err := zk.ParseDetachedSession(text)
			require.NoError(t, err)
			return zk.Connect(ctx, zk.Config{Servers: servers, SessionTimeout: 4 * time.Second, Resume: d})
		}
		var text []byte
		for range 20 {
			before := text
			d, err := c.Detach(ctx)
			require.NoError(t, err)
			text = d.Marshal()
			c, err = resume(text)
			require.NoError(t, err)
			require.Equal(t, id, c.Session().ID())
			stat, ok, err := c.Exists(ctx, "/n")
			require.NoError(t, err)
			require.True(t, ok)
			require.Equal(t, made.Stat, stat)
			if before != nil {
				_, err = resume(before)
				require.ErrorIs(t, err, zk.ErrMoved)
				require.NoError(t, c.Sync(ctx, "/"), "the client with the session goes on")
			}
		}
		guard, release, err := c.Session().Guard(ctx)
		require.NoError(t, err)
		defer release()
		require.NoError(t, guard.Err())

		d, err := c.Detach(ctx)
		require.NoError(t, err)
		text = d.Marshal()
		wrong := bytes.Replace(text, []byte(`"password":"`), []byte(`"password":"AAAA`), 1)
		at := bytes.Index(wrong, []byte("AAAA")) + 4
		wrong = append(wrong[:at], wrong[at+4:]...)
		_, err = resume(wrong)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		c, err = resume(text)
		require.NoError(t, err, "the session is as it was")
		d, err = c.Detach(ctx)
		require.NoError(t, err)
		text = d.Marshal()
		c, err = resume(text)
		require.NoError(t, err)
		require.NoError(t, c.Close(ctx))
		_, err = resume(text)
		require.ErrorIs(t, err, zk.ErrSessionExpired)
	})
}
