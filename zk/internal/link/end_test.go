package link_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk/internal/link"
)

// joined runs Join in the background.
func joined(r *rig) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Join()
	}()
	return done
}

func isOver(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// A link that ends while its reader delivers waits for it in Join. What was
// delivered is not handed back.
func TestJoin_WaitsForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, request("a"), request("b"))
		goOn := make(chan struct{})
		r.h.receive = func([]link.Frame) error {
			<-goOn
			return nil
		}
		r.readAll(2)
		r.say(reply(1, ""))
		synctest.Wait()
		r.Fail(errOver)
		done := joined(r)
		require.False(t, isOver(done))
		close(goOn)
		require.True(t, isOver(done))
		r.say(reply(2, ""))
		sent, _ := r.end(errOver)
		require.Equal(t, []string{"b"}, sent)
	})
}

// The same for the writer, be it the standby writer or a caller.
func TestJoin_WaitsForTheWriter(t *testing.T) {
	for name, byCaller := range map[string]bool{"standby": false, "caller": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := started(t)
				goOn := make(chan struct{})
				r.nc.beforeWrite = func([]byte) error {
					<-goOn // although the connection is closed
					return io.ErrClosedPipe
				}
				if r.Submit(request("a"), byCaller) {
					go r.Write()
				}
				synctest.Wait()
				require.False(t, r.Submit(request("b"), true), "somebody writes")
				r.Fail(errOver)
				done := joined(r)
				require.False(t, isOver(done))
				close(goOn)
				require.True(t, isOver(done))
				sent, unsent := r.end(errOver)
				require.Equal(t, []string{"a"}, sent)
				require.Equal(t, []string{"b"}, unsent)
			})
		})
	}
}

// A caller that has the token, and has not used it yet, is waited for too.
func TestJoin_WaitsForTheTokensHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		require.True(t, r.Submit(request("a"), true))
		r.Fail(errOver)
		done := joined(r)
		require.False(t, isOver(done))
		r.Write()
		require.True(t, isOver(done))
		require.Zero(t, r.nc.written())
		sent, unsent := r.end(errOver)
		require.Empty(t, sent)
		require.Equal(t, []string{"a"}, unsent)
	})
}

// A request that the Handler finishes when the link ends counts as sent: its
// caller may have been told that it could not be withdrawn.
func TestTakeBack_RequestAboutToBeWrittenCountsAsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config(), request("a"), request("b"))
		finishing, goOn := make(chan struct{}), make(chan struct{})
		r.h.sending = func(batch []*link.Request) []*link.Request {
			close(finishing)
			<-goOn
			return batch
		}
		r.Start()
		<-finishing
		waiting, unanswered := r.Load()
		require.Equal(t, []int{0, 2}, []int{waiting, unanswered})
		c := request("c")
		r.Submit(c, false)
		r.submit("d")
		require.True(t, r.Withdraw(c))
		r.Fail(errOver)
		close(goOn)
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"a", "b"}, sent)
		require.Equal(t, []string{"d"}, unsent)
		require.Zero(t, r.nc.written())
	})
}

// A write that the peer does not take ends with the connection. Submit does not
// wait for it.
func TestLink_EndsWhileItsWriteIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		r.nc.beforeWrite = func([]byte) error {
			<-r.Ended()
			return io.ErrClosedPipe
		}
		r.submit("a")
		synctest.Wait()
		r.submit("b")
		time.Sleep(time.Minute)
		require.NoError(t, r.Err())
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"a"}, sent)
		require.Equal(t, []string{"b"}, unsent)
		require.Equal(t, errOver, r.Err(), "not the error of the write")
	})
}

// The Handler may end the link: from Receive with an error or by Fail, and from
// Sending. Nothing is delivered or written after that.
func TestFail_FromTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t, request("a"), request("b"))
		r.readAll(2)
		r.h.receive = func([]link.Frame) error { return errOver }
		r.say(reply(1, ""))
		<-r.Ended()
		r.say(reply(2, ""))
		sent, _ := r.end(errors.New("late"))
		require.Equal(t, []string{"b"}, sent)
		require.Equal(t, errOver, r.Err())
	})
	synctest.Test(t, func(t *testing.T) {
		r := started(t, request("a"), request("b"))
		r.readAll(2)
		r.h.receive = func([]link.Frame) error {
			r.Fail(errOver)
			require.False(t, r.Submit(request("c"), true))
			return nil
		}
		r.say(join(reply(1, ""), []byte{1}))
		<-r.Ended()
		sent, unsent := r.end(errors.New("late"))
		require.Equal(t, []string{"b"}, sent)
		require.Equal(t, []string{"c"}, unsent)
	})
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config(), request("a"))
		r.h.sending = func(batch []*link.Request) []*link.Request {
			r.Fail(errOver)
			return batch
		}
		r.Start()
		<-r.Ended()
		sent, _ := r.end(errOver)
		require.Equal(t, []string{"a"}, sent)
		require.Zero(t, r.nc.written())
	})
}

// A panic of the connection or of the Handler ends the link and nothing else.
func TestLink_Panics(t *testing.T) {
	for name, c := range map[string]struct {
		arm  func(r *rig)
		sent []string
	}{
		"read":    {func(r *rig) { r.nc.afterRead = func() { panic("in Read") } }, []string{"a"}},
		"write":   {func(r *rig) { r.nc.beforeWrite = func([]byte) error { panic("in Write") } }, []string{"a"}},
		"sending": {func(r *rig) { r.h.sending = func([]*link.Request) []*link.Request { panic("in Sending") } }, []string{"a"}},
		"receive": {func(r *rig) { r.h.receive = func([]link.Frame) error { panic("in Receive") } }, nil},
	} {
		for _, byCaller := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := rigged(t, config())
					c.arm(r)
					r.Start()
					synctest.Wait()
					if r.Submit(request("a"), byCaller) {
						r.Write()
					}
					synctest.Wait()
					r.say(reply(1, ""))
					<-r.Ended()
					require.ErrorIs(t, r.Err(), link.ErrProtocol)
					require.ErrorContains(t, r.Err(), "panic")
					require.False(t, r.Submit(request("b"), true))
					sent, unsent := r.end(errOver)
					require.Equal(t, c.sent, sent)
					require.Equal(t, []string{"b"}, unsent)
				})
			})
		}
	}
}

// logFunc is a log handler that calls a function for each record.
type logFunc func()

func (logFunc) Enabled(context.Context, slog.Level) bool    { return true }
func (f logFunc) Handle(context.Context, slog.Record) error { f(); return nil }
func (f logFunc) WithAttrs([]slog.Attr) slog.Handler        { return f }
func (f logFunc) WithGroup(string) slog.Handler             { return f }

// A log handler that panics while the link logs a panic does no harm: the link ends,
// and neither the reader nor a caller that writes sees the panic.
func TestLink_LogHandlerPanics(t *testing.T) {
	for _, byCaller := range []bool{false, true} {
		t.Run(strconv.FormatBool(byCaller), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := config()
				cfg.Log = slog.New(logFunc(func() { panic("in the log handler") }))
				r := rigged(t, cfg)
				r.nc.beforeWrite = func([]byte) error { panic("in Write") }
				r.Start()
				if r.Submit(request("a"), byCaller) {
					require.NotPanics(t, r.Write)
				}
				<-r.Ended()
				require.ErrorIs(t, r.Err(), link.ErrProtocol)
				require.ErrorContains(t, r.Err(), "in Write")
				sent, _ := r.end(errOver)
				require.Equal(t, []string{"a"}, sent)
			})
		})
	}
}

// The link has ended before the log handler gets the panic, so that a slow handler
// does not keep the link alive.
func TestLink_EndsBeforeItLogsAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		var r *rig
		var ended error
		cfg.Log = slog.New(logFunc(func() { ended = r.Err() }))
		r = rigged(t, cfg)
		r.nc.beforeWrite = func([]byte) error { panic("in Write") }
		r.Start()
		r.Submit(request("a"), false)
		<-r.Ended()
		r.end(errOver)
		require.ErrorContains(t, ended, "in Write")
	})
}
