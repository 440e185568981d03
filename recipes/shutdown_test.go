package recipes_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// service is a leader, a member and a holder of one client.
type service struct {
	client *zk.Client
	steps  []recipes.Step
	leads  context.Context
	member *groupmembership.Membership
	held   *lock.Held
}

func startService(t *testing.T, srv *zktest.Server) *service {
	t.Helper()
	c := clienttest.Open(t, srv)
	s := &service{client: c}
	leads := make(chan context.Context, 1)
	lead := recipes.Running(t.Context(), "stop leading", func(ctx context.Context) error {
		return election.New(s.client, "/e", election.Config{}).Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
			leads <- ctx
			<-ctx.Done()
			return ctx.Err()
		})
	})
	s.leads = <-leads
	var err error
	s.member, err = groupmembership.New(s.client, "/g", groupmembership.Config{}).Join(t.Context(), "a", nil)
	require.NoError(t, err)
	s.held, err = lock.New(s.client, "/l", lock.Config{}).Acquire(t.Context())
	require.NoError(t, err)
	s.steps = []recipes.Step{lead, {Name: "leave the group", Do: s.member.Leave}, {Name: "release the lock", Do: s.held.Release}}
	return s
}

// down shuts the service down with a deadline of d, and returns how long that took.
func (s *service) down(d time.Duration, steps ...recipes.Step) (time.Duration, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	err := recipes.Shutdown(ctx, s.client, steps...)
	return time.Since(start), err
}

func (s *service) requireEnded(t *testing.T) {
	t.Helper()
	require.Error(t, s.leads.Err())
	require.Error(t, s.member.Context().Err())
	require.Error(t, s.held.Context().Err())
	require.Equal(t, zk.StateClosed, s.client.State())
}

// failedSteps are the names in the error of Shutdown.
func failedSteps(t *testing.T, err error) (names []string) {
	t.Helper()
	failed, ok := errors.AsType[*recipes.ShutdownError](err)
	require.True(t, ok, "%v", err)
	for _, s := range failed.Steps {
		names = append(names, s.Name)
	}
	return names
}

func requireNothingLeft(t *testing.T, srv *zktest.Server) {
	t.Helper()
	for _, dir := range []string{"/e", "/g", "/l"} {
		require.Empty(t, srv.Children(dir))
	}
}

func TestShutdown_GivesEverythingBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		s := startService(t, srv)
		var order []string
		for i, step := range s.steps {
			s.steps[i].Do = func(ctx context.Context) error {
				order = append(order, step.Name)
				return step.Do(ctx)
			}
		}
		took, err := s.down(10*time.Second, s.steps...)
		require.NoError(t, err)
		require.Less(t, took, time.Second)
		require.Equal(t, []string{"stop leading", "leave the group", "release the lock"}, order)
		s.requireEnded(t)
		requireNothingLeft(t, srv)

		_, err = s.down(10*time.Second, s.steps...)
		require.NoError(t, err, "the second call")
	})
}

// With a session timeout far longer than the deadline, in every phase of an outage.
func TestShutdown_WithoutAServerEndsAtTheDeadline(t *testing.T) {
	for name, outage := range map[string]time.Duration{"just now": 0, "lease runs": time.Second, "session is over": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				s := startService(t, srv)
				time.Sleep(time.Second)
				srv.Down(0, true)
				time.Sleep(outage)
				took, err := s.down(2*time.Second, s.steps...)
				require.LessOrEqual(t, took, 3*time.Second)
				s.requireEnded(t)
				if outage < time.Minute { // later, the session has ended by the client's clock
					require.Contains(t, failedSteps(t, err), "close the client")
					require.ErrorIs(t, err, zk.ErrUnconfirmed)
				}
				_, again := s.down(2 * time.Second)
				require.Equal(t, errors.Is(err, zk.ErrUnconfirmed), errors.Is(again, zk.ErrUnconfirmed))

				time.Sleep(time.Minute) // the server has ended the session
				requireNothingLeft(t, srv)
			})
		})
	}
}

func TestShutdown_StepThatHangsIsNamedAndLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		s := startService(t, srv)
		end := make(chan struct{})
		defer close(end)
		hang := recipes.Step{Name: "stop the worker", Do: func(context.Context) error { <-end; return nil }}
		took, err := s.down(4*time.Second, append([]recipes.Step{hang}, s.steps...)...)
		require.LessOrEqual(t, took, 4*time.Second)
		require.Contains(t, failedSteps(t, err), "stop the worker")
		require.NotContains(t, failedSteps(t, err), "close the client", "Close has time of its own")
		require.ErrorContains(t, err, `"stop the worker": it has not returned, and is left behind: context deadline exceeded`)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		s.requireEnded(t)
		requireNothingLeft(t, srv)
	})
}

func TestShutdown_StepThatFailsOrPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		s := startService(t, srv)
		disk, flush := errors.New("disk full"), errors.New("flush")
		steps := append([]recipes.Step{
			{Name: "save", Do: func(context.Context) error { return errors.Join(disk, flush) }},
			{Name: "stop the worker", Do: func(context.Context) error { panic("no worker") }},
			{Name: "nothing"},
			{Do: func(context.Context) error { return flush }},
			{Name: "exit", Do: func(context.Context) error { runtime.Goexit(); return nil }},
			recipes.Running(t.Context(), "run", nil),
		}, s.steps...)
		took, err := s.down(4*time.Second, steps...)
		require.Less(t, took, time.Second)
		require.Equal(t, []string{"save", "stop the worker", "nothing", "step 4", "exit", "run"}, failedSteps(t, err))
		require.ErrorIs(t, err, disk)
		require.Equal(t, `shutdown: "save": disk full; flush; "stop the worker": it panicked: no worker; `+
			`"nothing": it has no function: set Step.Do; "step 4": flush; "exit": it ended its goroutine (runtime.Goexit); "run": it has no function: set Step.Do`, err.Error())
		s.requireEnded(t)
		requireNothingLeft(t, srv)
	})
}

func TestShutdown_WithoutAClientCallsItsSteps(t *testing.T) {
	called := false
	err := recipes.Shutdown(t.Context(), nil, recipes.Step{Name: "save", Do: func(context.Context) error { called = true; return nil }})
	require.True(t, called)
	require.EqualError(t, err, `shutdown: "close the client": the client is nil: pass the one that Connect returned`)
}

func TestRunning_ReturnsTheErrorOfTheCall(t *testing.T) {
	broken := errors.New("broken")
	step := recipes.Running(t.Context(), "run", func(context.Context) error { return broken })
	for range 2 {
		require.ErrorIs(t, step.Do(t.Context()), broken)
	}
}

// The lead function returns its context's error, and Resign cannot be confirmed.
func TestRunning_ReturnsWhatFailedBesideTheCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		s := startService(t, srv)
		time.Sleep(time.Second)
		srv.Down(0, true)
		_, err := s.down(time.Minute, s.steps[0])
		require.Contains(t, failedSteps(t, err), "stop leading", "after a session timeout, and before its time was over: %v", err)

		time.Sleep(time.Minute)
	})
}

func TestRunning_CandidateThatIsStoppedIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		s := startService(t, srv)
		other := srv.Client(t)
		step := recipes.Running(t.Context(), "stop the campaign", func(ctx context.Context) error {
			return election.New(other, "/e", election.Config{}).Run(ctx, func(context.Context, *election.Leadership) error { return nil })
		})
		time.Sleep(time.Second) // it waits behind the leader
		require.Len(t, srv.Children("/e"), 2)
		require.NoError(t, recipes.Shutdown(t.Context(), other, step))
		require.Len(t, srv.Children("/e"), 1)
		_, err := s.down(time.Minute, s.steps...)
		require.NoError(t, err)
	})
}
