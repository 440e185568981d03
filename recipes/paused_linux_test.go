package recipes_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// pausedServers passes the servers to a second process of the test binary, which
// holds one of everything there.
const pausedServers = "ZOOKIT_PAUSED_CONTEXTS"

// onePerRecipe acquires one hold of every kind that has a context. Each has its own
// client. The contexts of one session end together, so that the first call of one Err
// would end the others.
var onePerRecipe = map[string]func(ctx context.Context, c *zk.Client) (context.Context, error){
	"lock": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		held, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
		return contextOf(held, err)
	},
	"permits": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		permits, err := lock.NewSemaphore(c, "/s", 3, lock.Config{}).Acquire(ctx, 2)
		return contextOf(permits, err)
	},
	"multi-lock": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		held, err := lock.NewMulti(lock.New(c, "/m1", lock.Config{}), lock.New(c, "/m2", lock.Config{})).Acquire(ctx)
		return contextOf(held, err)
	},
	"leadership": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		leads, err := election.New(c, "/e", election.Config{}).Campaign(ctx)
		return contextOf(leads, err)
	},
	"membership": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		member, err := groupmembership.New(c, "/g", groupmembership.Config{}).Join(ctx, "me", nil)
		return contextOf(member, err)
	},
	"Lock.Do": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		return passedOn(func(pass func(context.Context) error) error {
			l := lock.New(c, "/do", lock.Config{})
			return l.Do(ctx, func(ctx context.Context, _ *lock.Held) error { return pass(ctx) })
		})
	},
	"Semaphore.Do": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		return passedOn(func(pass func(context.Context) error) error {
			s := lock.NewSemaphore(c, "/sdo", 3, lock.Config{})
			return s.Do(ctx, 2, func(ctx context.Context, _ *lock.Permits) error { return pass(ctx) })
		})
	},
	"Multi.Do": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		return passedOn(func(pass func(context.Context) error) error {
			m := lock.NewMulti(lock.New(c, "/mdo1", lock.Config{}), lock.New(c, "/mdo2", lock.Config{}))
			return m.Do(ctx, func(ctx context.Context, _ *lock.MultiHeld) error { return pass(ctx) })
		})
	},
	"Election.Run": func(ctx context.Context, c *zk.Client) (context.Context, error) {
		return passedOn(func(pass func(context.Context) error) error {
			e := election.New(c, "/run", election.Config{})
			return e.Run(ctx, func(ctx context.Context, _ *election.Leadership) error { return pass(ctx) })
		})
	},
}

// contextOf returns the context of a hold, if there is one.
func contextOf[H interface{ Context() context.Context }](h H, err error) (context.Context, error) {
	if err != nil {
		return nil, err
	}
	return h.Context(), nil
}

// passedOn returns the context that run passes on. run goes on until the process
// ends.
func passedOn(run func(pass func(context.Context) error) error) (context.Context, error) {
	passed, failed := make(chan context.Context, 1), make(chan error, 1)
	go func() {
		failed <- run(func(ctx context.Context) error {
			passed <- ctx
			<-ctx.Done()
			return nil
		})
	}()
	select {
	case ctx := <-passed:
		return ctx, nil
	case err := <-failed:
		return nil, err
	}
}

// holdAndLook is the process that is stopped. It reads the clock over and over and
// lets no other goroutine run. So it calls the Err of every context before any timer
// can fire.
func holdAndLook(servers string) error {
	names, list := []string{}, []context.Context{}
	for name, acquire := range onePerRecipe {
		c, err := zk.Connect(context.Background(), zk.Config{Servers: servers, SessionTimeout: 2 * time.Second})
		if err != nil {
			return err
		}
		ctx, err := acquire(context.Background(), c)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		names, list = append(names, name), append(list, ctx)
	}
	errs := make([]error, len(list))
	fmt.Println("holds", len(list))
	bufio.NewScanner(os.Stdin).Scan()
	// From here on no other goroutine of this process runs, and no heartbeat is sent.
	// The process is stopped at once.
	runtime.GOMAXPROCS(1)
	begin := monotonic()
	last := begin
	const line = "waits for the stop\n"
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, 1, uintptr(unsafe.Pointer(unsafe.StringData(line))), uintptr(len(line)))
	for stopped := false; !stopped; {
		now := monotonic()
		stopped, last = now-last > time.Second/2, now
		if now-begin > time.Minute {
			return errors.New("this process was not stopped")
		}
	}
	for i, ctx := range list {
		errs[i] = ctx.Err()
	}
	live := []string{}
	for i, err := range errs {
		if err == nil {
			live = append(live, names[i])
		}
	}
	found, err := json.Marshal(live)
	fmt.Println("live", string(found))
	return err
}

// monotonic reads the clock from the kernel, by a call during which the scheduler of
// Go does not run another goroutine.
func monotonic() time.Duration {
	var ts syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// A process is stopped for longer than its session lasts while it holds one of
// everything. Another client acquires its lock. When the process continues, the first
// look at each context finds that it has ended, even at those that Do and Run pass on.
func TestPausedProcess_EveryContextHasEndedAtItsFirstCheck(t *testing.T) {
	if servers := os.Getenv(pausedServers); servers != "" {
		require.NoError(t, holdAndLook(servers))
		return
	}
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	c := clienttest.ConnectTo(t, e.Servers(), clienttest.Timeout(2*time.Second))

	holder := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	holder.Env = append(os.Environ(), pausedServers+"="+e.Servers(), "GODEBUG=asyncpreemptoff=1")
	in, err := holder.StdinPipe()
	require.NoError(t, err)
	out, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	lines := bufio.NewScanner(out)
	read := func(what string) string {
		for lines.Scan() {
			if rest, ok := strings.CutPrefix(lines.Text(), what+" "); ok {
				return rest
			}
		}
		require.FailNow(t, "the holder ended", lines.Err())
		return ""
	}
	require.Equal(t, strconv.Itoa(len(onePerRecipe)), read("holds"))
	_, err = fmt.Fprintln(in, "go on")
	require.NoError(t, err)
	require.Equal(t, "for the stop", read("waits"))
	require.NoError(t, holder.Process.Signal(syscall.SIGSTOP))
	next, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
	require.NoError(t, err)
	require.NoError(t, holder.Process.Signal(syscall.SIGCONT))
	require.Equal(t, "[]", read("live"), "these were live beside another holder")
	require.NoError(t, next.Context().Err())
	require.NoError(t, next.Release(t.Context()))
	require.NoError(t, holder.Wait())
}
