package zk_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// everyCode has the codes of Apache ZooKeeper 3.9, with the outcome of a write that
// is answered with each.
var everyCode = map[zk.Code]zk.Outcome{
	-1: zk.OutcomeUnknown, -2: zk.OutcomeUnknown, -3: zk.OutcomeUnknown, -4: zk.OutcomeUnknown,
	-5: zk.OutcomeRejected, -6: zk.OutcomeRejected, -7: zk.OutcomeUnknown, -8: zk.OutcomeRejected,
	-12: zk.OutcomeRejected, -13: zk.OutcomeRejected, -14: zk.OutcomeRejected,
	-100: zk.OutcomeRejected, -101: zk.OutcomeRejected, -102: zk.OutcomeRejected, -103: zk.OutcomeRejected,
	-108: zk.OutcomeRejected, -110: zk.OutcomeRejected, -111: zk.OutcomeRejected, -112: zk.OutcomeRejected,
	-113: zk.OutcomeRejected, -114: zk.OutcomeRejected, -115: zk.OutcomeRejected, -118: zk.OutcomeUnknown,
	-119: zk.OutcomeRejected, -120: zk.OutcomeRejected, -121: zk.OutcomeRejected, -122: zk.OutcomeUnknown,
	-123: zk.OutcomeRejected, -124: zk.OutcomeRejected, -125: zk.OutcomeRejected,
	// -127 is retried: see below.
}

// failures: 44: every code is a sentinel of its own with a text. An unknown code
// keeps its number. The outcome follows from the code.
func TestError_EveryCodeIsASentinel(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		texts := map[string]zk.Code{}
		for code, outcome := range everyCode {
			require.NotContains(t, code.Error(), strconv.Itoa(int(code)), "it has a name")
			require.NotContains(t, texts, code.Error())
			texts[code.Error()] = code
			onNth(srv, "set", 1, zktest.Fail(int32(code)))
			_, err := c.Set(t.Context(), "/n", nil, 0)
			require.ErrorIs(t, err, code)
			for other := range everyCode {
				require.Equal(t, other == code, errors.Is(err, other))
			}
			require.Equal(t, outcome, zk.OutcomeOf(err), "%v", code)
			require.ErrorContains(t, err, "zk: set /n: "+code.Error())
			if code == zk.ErrSaslRequired { // this code ends the connection
				synctest.Wait()
				require.Equal(t, zk.StateAuthFailed, c.State())
				for s := range c.States(inTime(t)) {
					if s == zk.StateConnected {
						break
					}
				}
			}
		}
		for _, code := range []zk.Code{-119 - 7, -999, -128, 17} {
			onNth(srv, "set", 1, zktest.Fail(int32(code)))
			_, err := c.Set(t.Context(), "/n", nil, 0)
			require.ErrorIs(t, err, code)
			require.ErrorContains(t, err, strconv.Itoa(int(code)))
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		}
		require.NoError(t, c.Sync(t.Context(), "/"))
		require.Equal(t, 1, srv.Connections(1), "an error is no reason to drop a connection")
	})
}

// failures: 44, 47: a request that the server did not run because it was throttled
// is sent again, with a growing pause, as long as the caller's context lasts.
func TestError_ThrottledIsRetried(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		tries := 0
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "set" {
				if tries++; tries <= 5 {
					return zktest.Fail(int32(zk.ErrThrottled))
				}
			}
			return zktest.Pass
		})
		st, err := c.Set(t.Context(), "/n", nil, 0)
		require.NoError(t, err)
		require.EqualValues(t, 1, st.Version, "it ran once")
		require.Equal(t, 6, tries)

		tries = -1 << 30
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err = c.Set(ctx, "/n", nil, 1)
		require.ErrorIs(t, err, zk.ErrThrottled)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err))
		require.Equal(t, 10*time.Second, time.Since(start))
		require.Less(t, tries+1<<30, 40, "no hot loop")
	})
}

// A read whose answer leaves the outcome open is sent again: it changes nothing.
func TestError_ReadWithoutAVerdictIsRetried(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/n", []byte("x")))
		for _, code := range []zk.Code{zk.ErrConnectionLoss, zk.ErrOperationTimeout, zk.ErrSessionMoved} {
			onNth(srv, "get", 1, zktest.Fail(int32(code)))
			n, err := c.Get(t.Context(), "/n")
			require.NoError(t, err, "%v", code)
			require.Equal(t, "x", string(n.Data))
		}
	})
}

// An error gives the operation, its path, the reason and the outcome. A program
// finds each of them.
func TestError_CarriesOperationPathAndOutcome(t *testing.T) {
	err := error(&zk.OpError{Op: "create", Path: "/a", Outcome: zk.OutcomeUnknown, Err: fmt.Errorf("%w: x", zk.ErrConnectionLoss)})
	require.EqualError(t, err, "zk: create /a: connection loss: x (outcome unknown)")
	require.EqualError(t, &zk.OpError{Op: "set", Path: "/b", Outcome: zk.OutcomeRejected, Err: zk.ErrBadVersion}, "zk: set /b: version conflict")
	require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(fmt.Errorf("wrapped: %w", err)))
	require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(errors.New("anything")), "an error of unknown origin has an unknown outcome")
	require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(errors.Join(errors.New("x"), &zk.OpError{Outcome: zk.OutcomeNotSent})))
	require.Equal(t, "unknown value 7", zk.Outcome(7).String())
}

// failures: 20: Retry never runs an operation again that may have taken effect.
func TestError_SafeToRetry(t *testing.T) {
	of := func(op string, o zk.Outcome, err error) error {
		return fmt.Errorf("context: %w", &zk.OpError{Op: op, Path: "/n", Outcome: o, Err: err})
	}
	for _, c := range []struct {
		err  error
		safe bool
	}{
		{of("create", zk.OutcomeNotSent, context.DeadlineExceeded), true},
		{of("create", zk.OutcomeUnknown, zk.ErrConnectionLoss), false},
		{of("multi", zk.OutcomeUnknown, zk.ErrConnectionLoss), false},
		{of("delete", zk.OutcomeUnknown, zk.ErrConnectionLoss), false},
		{of("get", zk.OutcomeUnknown, zk.ErrConnectionLoss), true},
		{of("addWatch", zk.OutcomeUnknown, zk.ErrConnectionLoss), true},
		{of("set", zk.OutcomeRejected, zk.ErrBadVersion), false},
		{of("get", zk.OutcomeUnknown, zk.ErrReplyTooLarge), false},
		{of("set", zk.OutcomeNotSent, zk.ErrTooLarge), false},
		{of("set", zk.OutcomeNotSent, zk.ErrClosed), false},
		{of("set", zk.OutcomeNotSent, zk.ErrInvalidPath), false},
		// The cause is that of an earlier request of the pipeline.
		{of("set", zk.OutcomeNotSent, fmt.Errorf("%w: %w", zk.ErrPipelineBroken, zk.ErrReplyTooLarge)), true},
		{of("set", zk.OutcomeNotSent, fmt.Errorf("%w: %w", zk.ErrPipelineBroken, zk.ErrInvalidPath)), true},
		{of("set", zk.OutcomeNotSent, fmt.Errorf("%w: %w", zk.ErrPipelineBroken, zk.ErrClosed)), false},
		{of("set", zk.OutcomeNotSent, fmt.Errorf("%w: %w", zk.ErrPipelineBroken, zk.ErrBoundExpired)), false},
		{errors.New("another"), false},
		{nil, false},
	} {
		require.Equal(t, c.safe, zk.SafeToRetry(c.err), "%v", c.err)
	}
}

// Several callers can wait for one Future, give up and wait again. A caller that
// gives up changes nothing for the others.
//
// failures: 126
func TestFuture_IsSharedAndGivenUp(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		goOn := hold(t, srv, "create", zktest.Pass)
		f := c.Pipeline().Create(t.Context(), "/n", nil, zk.Persistent)
		short, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		_, err := f.Wait(short)
		require.EqualError(t, err, "zk: create /n: enough (outcome unknown)")
		select {
		case <-f.Done():
			t.Fatal("it is not there")
		default:
		}
		paths := make(chan string)
		for range 5 {
			go func() {
				made, err := f.Wait(t.Context())
				require.NoError(t, err)
				paths <- made.Path
			}()
		}
		synctest.Wait()
		goOn()
		for range 5 {
			require.Equal(t, "/n", <-paths)
		}
		<-f.Done()
		made, err := f.Wait(short)
		require.NoError(t, err, "what is there is there, whatever the context")
		require.Equal(t, "/n", made.Path)

		bad := c.Pipeline().Delete(t.Context(), "bad", 0)
		<-bad.Done()
		_, err = bad.Wait(t.Context())
		require.ErrorIs(t, err, zk.ErrInvalidPath)
	})
}
