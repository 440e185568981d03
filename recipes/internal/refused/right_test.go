package refused_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

func refusal(op string, why error) error {
	return &zk.OpError{Op: op, Path: "/d/a", Outcome: zk.OutcomeRejected, Err: why}
}

func TestExplain_NamesTheMissingRight(t *testing.T) {
	for op, want := range map[string]recipes.RightError{
		"create":   {Path: "/d", Right: zk.PermCreate},
		"delete":   {Path: "/d", Right: zk.PermDelete},
		"set":      {Path: "/d/a", Right: zk.PermWrite},
		"get":      {Path: "/d/a", Right: zk.PermRead},
		"exists":   {Path: "/d/a", Right: zk.PermRead},
		"children": {Path: "/d/a", Right: zk.PermRead},
	} {
		why := refusal(op, zk.ErrNoAuth)
		err := refused.Explain(why)
		var e *recipes.RightError
		require.ErrorAs(t, err, &e)
		require.Equal(t, recipes.RightError{Path: want.Path, Right: want.Right, Err: why}, *e)
		require.ErrorIs(t, err, zk.ErrNoAuth)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.Equal(t, err, refused.Explain(err), "once")
		require.EqualError(t, err, fmt.Sprintf("zk: %s /d/a: not authorized: %v on %s is missing", op, want.Right, want.Path))
	}
}

func TestExplain_LeavesOtherErrorsAsTheyAre(t *testing.T) {
	for _, err := range []error{nil, errors.New("other"), zk.ErrNoAuth, refusal("delete", zk.ErrBadVersion), refusal("multi", zk.ErrNoAuth)} {
		require.Equal(t, err, refused.Explain(err))
	}
}

func TestBy_ThrottleAndExpiryAreNoRefusal(t *testing.T) {
	require.True(t, refused.By(refusal("create", zk.ErrNoAuth)))
	require.False(t, refused.By(refusal("create", zk.ErrThrottled)))
	require.False(t, refused.By(refusal("create", zk.ErrSessionExpired)))
	require.False(t, refused.By(errors.New("other")))
}
