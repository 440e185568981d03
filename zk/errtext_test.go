package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// outcomes are the texts of the outcomes that an error prints.
func outcomes(err error) int {
	text := err.Error()
	return strings.Count(text, "(not sent)") + strings.Count(text, "(outcome unknown)")
}

// A call that ends because of its context satisfies errors.Is for the context's Err
// and for the context's cause.
func TestError_OfAContextIsItsErrAndItsCause(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		w, sub := watchAndSubscription(t, c)
		srv.SilenceReplies(1, true)
		mine := errors.New("my cause")
		for name, call := range map[string]func(context.Context) error{
			"get":    func(ctx context.Context) error { _, err := c.Get(ctx, "/"); return err },
			"set":    func(ctx context.Context) error { _, err := c.Set(ctx, "/", nil, 0); return err },
			"future": func(ctx context.Context) error { _, err := c.Pipeline().Get(t.Context(), "/").Wait(ctx); return err },
			"protected": func(ctx context.Context) error {
				_, err := protect.Create(ctx, c, "/n", nil, zk.Ephemeral)
				return err
			},
			"watch": func(ctx context.Context) error { _, err := w.Wait(ctx); return err },
			"events": func(ctx context.Context) error {
				for _, err := range sub.Events(ctx) {
					return err
				}
				return nil
			},
		} {
			for _, early := range []bool{false, true} {
				for kind, want := range map[string]error{"canceled": context.Canceled, "deadline": context.DeadlineExceeded} {
					ctx, cancel := context.WithCancelCause(t.Context())
					if kind == "deadline" {
						var stop context.CancelFunc
						ctx, stop = context.WithTimeoutCause(t.Context(), 10*time.Millisecond, mine)
						defer stop()
					} else {
						time.AfterFunc(10*time.Millisecond, func() { cancel(mine) })
					}
					if early {
						<-ctx.Done()
					}
					err := call(ctx)
					require.ErrorIs(t, err, want, "%s, early %v", name, early)
					require.ErrorIs(t, err, mine, "%s, early %v", name, early)
					require.Contains(t, err.Error(), "my cause")
					cancel(nil)
				}
			}
		}
		srv.SilenceReplies(1, false)
		srv.CutConnections(1)

		srv.Down(1, true)
		synctest.Wait()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, mine)
		defer cancel()
		err := c.Ready(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, mine)
		srv.Down(1, false)
	})
}

func watchAndSubscription(t *testing.T, c *zk.Client) (*zk.Watch, *zk.Subscription) {
	_, _, w, err := c.ExistsW(t.Context(), "/never")
	require.NoError(t, err)
	sub, err := c.Subscribe(t.Context(), "/quiet")
	require.NoError(t, err)
	return w, sub
}

// An error says that nothing was sent if that is so: for an invalid configuration, a
// wait for a connection, and a closed client.
func TestError_OfACallThatWasNeverWrittenIsNotSent(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		_, err := zk.Connect(t.Context(), zk.Config{Servers: "a,,b", MaxInFlight: -1})
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.Equal(t, 1, outcomes(err))
		require.NotContains(t, err.Error(), "\n")
		require.ErrorContains(t, err, "empty server")
		require.ErrorContains(t, err, "MaxInFlight -1")
		require.False(t, zk.SafeToRetry(err), "it is wrong the next time too")

		c := connect(t, srv)
		srv.Down(1, true)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err = c.Ready(ctx)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		srv.Down(1, false)
		s, p := c.Session(), c.Pipeline()
		require.NoError(t, c.Close(inTime(t)))
		for name, call := range map[string]func() error{
			"ready":     func() error { return c.Ready(t.Context()) },
			"session":   func() error { _, err := c.AwaitSession(t.Context()); return err },
			"get":       func() error { _, err := c.Get(t.Context(), "/"); return err },
			"multi":     func() error { _, err := c.Multi(t.Context(), zk.DeleteOp("/n", 0)); return err },
			"pipeline":  func() error { _, err := p.Get(t.Context(), "/").Wait(t.Context()); return err },
			"watch":     func() error { _, err := c.Subscribe(t.Context(), "/"); return err },
			"guard":     func() error { _, _, err := s.Guard(t.Context()); return err },
			"find":      func() error { _, _, err := protect.Find(t.Context(), c, nil, "/", protect.NewGUID()); return err },
			"protected": func() error { _, err := protect.Create(t.Context(), c, "/n", nil, zk.Ephemeral); return err },
		} {
			err := call()
			require.ErrorIs(t, err, zk.ErrClosed, name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
			require.Equal(t, 1, outcomes(err), "%s: %v", name, err)
		}
	})
}

// One error names one outcome, the outermost, on one line.
func TestOpError_NamesOneOutcome(t *testing.T) {
	inner := &zk.OpError{Op: "delete", Path: "/n", Outcome: zk.OutcomeNotSent, Err: context.Canceled}
	for name, wrapped := range map[string]error{
		"bare":    inner,
		"wrapped": fmt.Errorf("lock: /l: %w", inner),
		"joined":  errors.Join(zk.ErrUnconfirmed, fmt.Errorf("again: %w", inner)),
		"twice":   errors.Join(zk.ErrUnconfirmed, &zk.OpError{Op: "leave", Path: "/m", Err: inner}, inner),
	} {
		err := &zk.OpError{Op: "release", Path: "/l", Outcome: zk.OutcomeUnknown, Err: wrapped}
		require.Equal(t, 1, outcomes(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), "\n")
		require.ErrorContains(t, err, "delete /n: context canceled")
		require.True(t, strings.HasSuffix(err.Error(), "(outcome unknown)"), "%s: %v", name, err)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
	}
	require.Equal(t, "zk: wait: context canceled (not sent)",
		(&zk.OpError{Op: "wait", Outcome: zk.OutcomeNotSent, Err: context.Canceled}).Error())
}

// A version conflict names the expected version, so that a log shows how late the
// writer was.
func TestError_BadVersionNamesTheExpectedOne(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.NoError(t, srv.Create("/n", nil))
		require.NoError(t, srv.Create("/other", nil))
		for name, call := range map[string]func() error{
			"set":    func() error { _, err := c.Set(t.Context(), "/n", []byte("data"), 7); return err },
			"delete": func() error { return c.Delete(t.Context(), "/n", 7) },
			"setACL": func() error { _, err := c.SetACL(t.Context(), "/n", zk.WorldACL(zk.PermAll), 7); return err },
			"multi": func() error {
				_, err := c.Multi(t.Context(), zk.CheckOp("/other", 0), c.Bind(zk.CheckOp("/n", 7), errMine), zk.CheckOp("/n", 8))
				return err
			},
			"pipeline": func() error { _, err := c.Pipeline().Set(t.Context(), "/n", nil, 7).Wait(t.Context()); return err },
		} {
			err := call()
			require.ErrorIs(t, err, zk.ErrBadVersion, name)
			require.ErrorContains(t, err, "/n: ", name)
			require.ErrorContains(t, err, "version conflict: expected version 7", name)
			require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
			require.Equal(t, name == "multi", errors.Is(err, errMine), name)
		}
	})
}

var errMine = errors.New("mine")

// The loss of a connection names the server, in the error and in the log.
func TestError_OfAConnectionNamesTheServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		var logged everything
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
		for _, harm := range []zktest.Verdict{zktest.CutBefore, zktest.DropReply} {
			onNth(srv, "set", 1, harm)
			_, err := c.Set(t.Context(), "/n", nil, 0)
			require.ErrorIs(t, err, zk.ErrConnectionLoss)
			require.ErrorContains(t, err, "connection loss: "+srv.ConnectString()+": ")
			require.NoError(t, c.Sync(t.Context(), "/"))
		}
		synctest.Wait()
		logged.mu.Lock()
		defer logged.mu.Unlock()
		require.Contains(t, logged.buf.String(), ` why="`+srv.ConnectString()+`: `)
	})
}

// An error names the fault of a request once, on one line.
func TestError_OfABadRequestSaysItOnce(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		for name, call := range map[string]func() error{
			"mode": func() error { _, err := c.Create(t.Context(), "/m", nil, 77); return err },
			"op":   func() error { _, err := c.Multi(t.Context(), zk.CreateOp("/m", nil, 77)); return err },
			"both": func() error {
				_, err := c.Multi(t.Context(), zk.CreateOp("/m", nil, 77, zk.InSession(nil)))
				return err
			},
			"ttl": func() error { _, err := c.Create(t.Context(), "/m", nil, zk.PersistentTTL); return err },
			"ttl, acl": func() error {
				_, err := c.Create(t.Context(), "/m", nil, zk.Ephemeral, zk.TTL(time.Second), zk.WithACL())
				return err
			},
			"zero op": func() error { _, err := c.Multi(t.Context(), zk.CheckOp("/m", 0), zk.Op{}); return err },
			"guid": func() error {
				_, err := protect.CreateAs(t.Context(), c, "g", "/m", nil, zk.Ephemeral)
				return err
			},
			"future": func() error {
				_, err := c.Pipeline().Create(t.Context(), "/m", nil, zk.Ephemeral, zk.InSession(nil)).Wait(t.Context())
				return err
			},
		} {
			err := call()
			require.ErrorIs(t, err, zk.ErrBadArguments, name)
			text := err.Error()
			require.Equal(t, 1, strings.Count(text, "bad arguments"), "%s: %s", name, text)
			require.LessOrEqual(t, strings.Count(text, "/m"), 1, "%s: %s", name, text)
			require.LessOrEqual(t, strings.Count(text, "create "), 1, "%s: %s", name, text)
			require.NotContains(t, text, "\n", name)
			require.Equal(t, 1, outcomes(err), "%s: %s", name, text)
		}
	})
}
