package recipes_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// logLines is a log in memory. A line has no nodes, tokens, sessions and times.
type logLines struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// take returns the lines since the last take.
func (l *logLines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

func logOf(level slog.Level) (*slog.Logger, *logLines) {
	out := &logLines{}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey, "node", "token", "session", "since":
			return slog.Attr{}
		}
		return a
	}})), out
}

// A health check that fails again and again is logged less and less often, and when it
// fails for another reason.
func TestLog_HealthCheckThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		log, out := logOf(slog.LevelWarn)
		d := discovery.New(clienttest.Connect(t, srv), "/services", discovery.Config{Logger: log})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var sick error
		set := func(err error) {
			mu.Lock()
			defer mu.Unlock()
			sick = err
		}
		done := make(chan error, 1)
		go func() {
			done <- r.Serve(ctx, discovery.Gate{Every: time.Second, Check: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				return sick
			}})
		}()
		const taken = `level=WARN msg="discovery: health check failed, instance is taken out" path=/services/web/1 why=`
		still := func(tries, took, why string) string {
			return `level=WARN msg="discovery: health check still fails" path=/services/web/1 tries=` + tries + ` for=` + took + ` why="` + why + `"`
		}
		set(errors.New("the disk is full"))
		time.Sleep(2*time.Minute + 500*time.Millisecond)
		require.Equal(t, []string{
			taken + `"the disk is full"`, still("11", "10s", "the disk is full"), still("61", "1m0s", "the disk is full"),
		}, out.take())
		set(errors.New("no route"))
		time.Sleep(time.Minute)
		require.Equal(t, []string{still("122", "2m1s", "no route")}, out.take(), "a new reason")
		set(nil)
		time.Sleep(time.Minute)
		require.Equal(t, discovery.Registered, r.Status().State)
		require.Equal(t, []string{""}, out.take())
		set(errors.New("no route"))
		time.Sleep(9 * time.Second)
		require.Equal(t, []string{taken + `"no route"`}, out.take(), "a new failure")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
	})
}

// A check that always takes too long has one reason, whether or not it obeys its context.
func TestLog_HealthCheckThatHangs(t *testing.T) {
	for name, extra := range map[string]time.Duration{"obeys its context": 0, "is slow to obey": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				log, out := logOf(slog.LevelWarn)
				d := discovery.New(clienttest.Connect(t, srv), "/services", discovery.Config{Logger: log})
				r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
				defer cancel()
				require.ErrorIs(t, r.Serve(ctx, discovery.Gate{Every: time.Second, Check: func(ctx context.Context) error {
					<-ctx.Done()
					time.Sleep(extra)
					return ctx.Err()
				}}), context.DeadlineExceeded)
				require.Equal(t, []string{
					`level=WARN msg="discovery: health check failed, instance is taken out" path=/services/web/1 why="health check timed out"`,
				}, out.take())
			})
		})
	}
}

// The loss of a hold is logged at that instant. Work that goes on for three seconds after
// that is logged too, and its end.
func TestLog_LossIsLoggedAtOnceAndWorkThatGoesOn(t *testing.T) {
	type work func(ctx context.Context, path string)
	for recipe, run := range map[string]func(t *testing.T, srv *zktest.Server, log *slog.Logger, f work){
		"election": func(t *testing.T, srv *zktest.Server, log *slog.Logger, f work) {
			e := election.New(clienttest.Connect(t, srv), "/d", election.Config{Logger: log})
			_ = e.Run(t.Context(), func(ctx context.Context, l *election.Leadership) error {
				if srv.Exists("/again") {
					return nil
				}
				require.NoError(t, srv.Create("/again", nil))
				f(ctx, l.Path())
				return nil
			})
		},
		"lock": func(t *testing.T, srv *zktest.Server, log *slog.Logger, f work) {
			err := lock.New(clienttest.Connect(t, srv), "/d", lock.Config{Logger: log}).Do(t.Context(), func(ctx context.Context, h *lock.Held) error {
				f(ctx, h.Path())
				return nil
			})
			require.ErrorIs(t, err, lock.ErrLost)
		},
		"semaphore": func(t *testing.T, srv *zktest.Server, log *slog.Logger, f work) {
			s := lock.NewSemaphore(clienttest.Connect(t, srv), "/d", 1, lock.Config{Logger: log})
			err := s.Do(t.Context(), 1, func(ctx context.Context, p *lock.Permits) error {
				f(ctx, p.Paths()[0])
				return nil
			})
			require.ErrorIs(t, err, lock.ErrLost)
		},
	} {
		t.Run(recipe, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				log, out := logOf(slog.LevelInfo)
				attrs := " dir=/d"
				if recipe == "semaphore" {
					attrs += " permits=1"
				}
				run(t, srv, log, func(ctx context.Context, path string) {
					time.Sleep(time.Second)
					out.take()
					require.NoError(t, srv.Delete(path))
					<-ctx.Done()
					synctest.Wait()
					require.Equal(t, []string{`level=WARN msg="` + recipe + `: lost"` + attrs + ` held=1s why="own node was deleted"`}, out.take())
					time.Sleep(2999 * time.Millisecond)
					require.Equal(t, []string{""}, out.take())
					time.Sleep(2 * time.Millisecond)
					require.Equal(t, []string{`level=WARN msg="` + recipe + `: the work still runs although its context has ended"` + attrs + ` for=3s why="own node was deleted"`}, out.take())
					time.Sleep(999 * time.Millisecond)
				})
				require.Contains(t, out.take(), `level=INFO msg="`+recipe+`: the work has returned, after its context had ended"`+attrs+` for=4s why="own node was deleted"`)
			})
		})
	}
}

// The lines about a member over a lost session have the words of its Status and of its
// errors, and no others.
func TestLog_MemberAfterAnExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 1})
		log, out := logOf(slog.LevelInfo)
		c := clienttest.Connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{Logger: log})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- g.Maintain(ctx, "me", nil) }()
		time.Sleep(2 * time.Second)
		srv.Down(1, true) // else the server may report first that the node was deleted
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, srv.ExpireSession(c.Session().ID()))
		srv.Down(1, false)
		require.ErrorIs(t, <-done, context.DeadlineExceeded)
		require.Equal(t, []string{
			`level=INFO msg="groupmembership: state" path=/g/me from=unregistered to=registered`,
			`level=WARN msg="groupmembership: state" path=/g/me from=registered to=unregistered why="session expired"`,
			`level=INFO msg="groupmembership: state" path=/g/me from=unregistered to=registered`,
			`level=INFO msg="groupmembership: state" path=/g/me from=registered to=ended why="left the group"`,
		}, out.take())
	})
}
