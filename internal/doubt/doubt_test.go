package doubt_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/doubt"
	"github.com/zookit/zookit/zk"
)

func failed(o zk.Outcome, why error) error {
	return &zk.OpError{Op: "set", Path: "/a", Outcome: o, Err: why}
}

func TestDoubt_IsOpenAfterATryThatMayHaveTakenEffect(t *testing.T) {
	for name, c := range map[string]struct {
		tries []error
		open  bool
	}{
		"no try":            {nil, false},
		"refused":           {[]error{failed(zk.OutcomeRejected, zk.ErrNoAuth)}, false},
		"not sent":          {[]error{failed(zk.OutcomeNotSent, zk.ErrClosed)}, false},
		"without a reply":   {[]error{failed(zk.OutcomeUnknown, zk.ErrConnectionLoss)}, true},
		"then refused":      {[]error{failed(zk.OutcomeUnknown, zk.ErrConnectionLoss), failed(zk.OutcomeRejected, zk.ErrNoAuth)}, true},
		"one of two writes": {[]error{nil, failed(zk.OutcomeRejected, zk.ErrNoAuth)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var d doubt.Doubt
			for _, err := range c.tries {
				d.Note(err)
			}
			require.Equal(t, c.open, d.Open())
			for _, o := range []zk.Outcome{zk.OutcomeNotSent, zk.OutcomeRejected, zk.OutcomeUnknown} {
				want := o
				if c.open {
					want = zk.OutcomeUnknown
				}
				err := d.Of(fmt.Errorf("it ended: %w", failed(o, zk.ErrClosed)))
				require.Equal(t, want, zk.OutcomeOf(err), "%v", err)
				require.ErrorIs(t, err, zk.ErrClosed)
				require.Equal(t, o, zk.OutcomeOf(doubt.Last(fmt.Errorf("wrapped: %w", err))))
				require.Equal(t, o, zk.OutcomeOf(doubt.Last(doubt.Left("call", err))), "twice in doubt")
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(doubt.Left("call", err)))
			}
			other := errors.New("other")
			require.Equal(t, other, d.Of(other))
			require.NoError(t, d.Of(nil))
			d.Settle()
			require.False(t, d.Open())
		})
	}
}

func TestDoubt_SaysTheRequestOnce(t *testing.T) {
	var d doubt.Doubt
	d.Note(failed(zk.OutcomeUnknown, zk.ErrConnectionLoss))
	require.EqualError(t, d.Of(failed(zk.OutcomeNotSent, zk.ErrClosed)), "zk: set /a: "+zk.ErrClosed.Error()+" (outcome unknown)")
}

// A read can be repeated. The call that has written before it cannot, so its error has
// the name of the call, and the read in its text.
func TestDoubt_OfAReadIsNotSafeToRetry(t *testing.T) {
	for _, o := range []zk.Outcome{zk.OutcomeUnknown, zk.OutcomeNotSent, zk.OutcomeRejected} {
		read := &zk.OpError{Op: "get", Path: "/a", Outcome: o, Err: zk.ErrConnectionLoss}
		for _, err := range []error{doubt.Left("acquire", read), doubt.Left("acquire", doubt.Left("call", read))} {
			require.False(t, zk.SafeToRetry(err), "%v", err)
			require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
			require.ErrorContains(t, err, "/a: get /a: ")
			require.Equal(t, error(read), doubt.Last(err))
		}
	}
}
