package zk_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

// newer are the operations that some server in use does not know.
var newer = map[string]func(context.Context, *zk.Client) error{
	"countDescendants": func(ctx context.Context, c *zk.Client) error { _, err := c.CountDescendants(ctx, "/"); return err },
	"ephemerals":       func(ctx context.Context, c *zk.Client) error { _, err := c.Ephemerals(ctx, "/"); return err },
	"multiRead":        func(ctx context.Context, c *zk.Client) error { _, err := c.MultiRead(ctx, zk.GetOp("/")); return err },
	"reconfig": func(ctx context.Context, c *zk.Client) error {
		_, err := c.Reconfig(ctx, zk.Reconfig{Leaving: []int64{1}}, zk.AnyConfig)
		return err
	},
	"whoAmI": func(ctx context.Context, c *zk.Client) error { _, err := c.WhoAmI(ctx); return err },
}

// An old server answers that it does not know the operation, and closes the
// connection. The caller gets that answer, and the client resumes its session.
func TestOldServer_DoesNotKnowTheOperation(t *testing.T) {
	for name, call := range newer {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{play: []func(*scripted){refuseOnce, honest}}
				c := s.client(t)
				session := c.Session()
				err := call(t.Context(), c)
				require.ErrorIs(t, err, zk.ErrUnimplemented)
				require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
				_, err = c.Get(inTime(t), "/")
				require.NoError(t, err, "the next connection")
				require.Equal(t, session, c.Session())
			})
		})
	}
}

// refuseOnce answers the first request that is no ping, and closes the connection.
func refuseOnce(c *scripted) {
	for q := range c.requests {
		if q.Op == proto.OpPing {
			c.say(good(q))
			continue
		}
		c.say(replyTo(q.Xid, -1, proto.Unimplemented, nil))
		return
	}
}
