package zkotel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// The type of an error is the most telling of what it wraps, and one of a fixed list.
func TestTypeOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{&zk.OpError{Op: "get", Path: "/a", Outcome: zk.OutcomeRejected, Err: zk.ErrNoNode}, "no_node"},
		{fmt.Errorf("lock: %w", errors.Join(context.Canceled, zk.ErrLeaseLapsed)), "lease_lapsed"},
		{errors.Join(context.DeadlineExceeded, zk.ErrSessionExpired), "session_expired"},
		{zk.ErrBoundExpired, "session_expired"},
		{zk.ErrNoChroot, "no_chroot"},
		{zk.ErrDetached, "closed"},
		{&zk.ReplyTooLargeError{Size: 2, Limit: 1}, "reply_too_large"},
		{recipes.ErrHeld, "held"},
		{fmt.Errorf("read: %w", io.EOF), "connection_loss"},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, "connection_loss"},
		{context.Canceled, "canceled"},
		{zk.Code(-4711), other}, // a server can send any number
		{errors.New("order 17 failed"), other},
	} {
		require.Equal(t, c.want, typeOf(c.err), "%v", c.err)
	}
}

// Every code of package zk has a type.
func TestTypeOf_KnowsEveryCode(t *testing.T) {
	unknown := zk.Code(-4711).Error()[:len("unknown error code")]
	for number := range 1000 {
		code := zk.Code(-number)
		if text := code.Error(); number > 0 && text[:min(len(text), len(unknown))] != unknown {
			require.NotEmpty(t, names[code], "%d, %s", -number, text)
		}
	}
}
