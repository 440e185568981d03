package lock_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The error of a call that a context ended has the context's error and its cause.
// The error of a Release that a context ended names one outcome.
func TestLock_AnErrorOfAContextNamesItAndOneOutcome(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		l := lock.New(connect(t, srv), "/l", lock.Config{})
		held, err := l.Acquire(t.Context())
		require.NoError(t, err)

		mine := errors.New("my cause")
		for _, early := range []bool{false, true} {
			ctx, cancel := context.WithCancelCause(t.Context())
			if early {
				cancel(mine)
			} else {
				time.AfterFunc(time.Second, func() { cancel(mine) })
			}
			_, err = lock.New(connect(t, srv), "/l", lock.Config{}).Acquire(ctx)
			require.ErrorIs(t, err, context.Canceled, "early %v", early)
			require.ErrorIs(t, err, mine, "early %v", early)
		}

		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(mine)
		err = held.Release(ctx)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, mine)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
		require.Equal(t, 1, strings.Count(err.Error(), "(outcome unknown)"), err.Error())
		require.NotContains(t, err.Error(), "(not sent)")
		require.NotContains(t, err.Error(), "\n")
		time.Sleep(time.Second)
	})
}
