package recipes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/zk"
)

// Step is one step of Shutdown: what a service gives back before it ends. Do gets a
// context that bounds it. The methods Resign, Leave, Unregister and Release of the
// recipes are such functions.
type Step struct {
	Name string // names the step in errors, for example "leave the group"
	Do   func(ctx context.Context) error
}

// Running calls run in a goroutine and returns the step that ends it: the step ends
// run's context and waits until run has returned. It is for calls that go on until
// their context ends, like Run of an election:
//
//	lead := recipes.Running(ctx, "stop leading", func(ctx context.Context) error {
//		return candidate.Run(ctx, work)
//	})
//
// The step returns the error of run, or nil if run ended only because of its context.
func Running(ctx context.Context, name string, run func(ctx context.Context) error) Step {
	if run == nil {
		return Step{Name: name}
	}
	running, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	var result error
	go func() {
		defer close(ended)
		result = run(running)
	}()
	return Step{Name: name, Do: func(ctx context.Context) error {
		end()
		select {
		case <-ended:
		case <-ctx.Done():
			return fmt.Errorf("it has not ended yet: %w", context.Cause(ctx))
		}
		if canceled(result) {
			return nil
		}
		return result
	}}
}

// canceled reports whether err says only that a context was cancelled. Run of an
// election joins the error of its function with that of its Resign: the first may be
// such an error while the second is not.
func canceled(err error) bool {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return errors.Is(err, context.Canceled)
	}
	for _, err := range joined.Unwrap() {
		if !canceled(err) {
			return false
		}
	}
	return true
}

// Shutdown ends a service: it calls the steps in their order and then closes client,
// all within the deadline of ctx. The order to use is: stop leading, deregister, release.
//
//   - The steps share three quarters of the time until the deadline. The rest is for
//     Close. A step that does not return in its time is left behind, and so is its
//     goroutine. Later steps are still called: with an ended context the recipes end
//     their own contexts, and leave the rest to Close.
//   - A step that fails or panics does not stop the others.
//   - Close is always called last. It ends the session, and with it every node that a
//     step could not delete. If it succeeds, nothing of the service is left on the
//     servers, whatever the steps say.
//
// The error is nil, or a *ShutdownError that names each step that was not confirmed,
// with Close as "close the client". If no server can be reached, Close is one of them:
// the servers then end the session after its timeout.
//
// Shutdown returns within a second after ctx ends, and within another half if steps do
// not return. Without a deadline a step may take until ctx ends.
//
// Shutdown may be called again: the steps of recipes do nothing then, and Close returns
// the same error. Pass the client that Connect returned: Close of a sub-client does
// nothing.
func Shutdown(ctx context.Context, client *zk.Client, steps ...Step) error {
	inTime := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		inTime, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)/4))
		defer cancel()
	}
	logger := slog.Default()
	if client != nil {
		logger = client.Config().Logger
	}
	log, failed := lines.New(logger, "shutdown"), &ShutdownError{}
	for i, s := range steps {
		if s.Name == "" {
			s.Name = fmt.Sprintf("step %d", i+1)
		}
		failed.add(s.Name, s.within(inTime, log, lateSteps/time.Duration(len(steps))))
	}
	closing := Step{Name: "close the client", Do: func(ctx context.Context) error {
		if client == nil {
			return errors.New("the client is nil: pass the one that Connect returned")
		}
		return client.Close(ctx)
	}}
	failed.add(closing.Name, closing.do(ctx, log))
	if len(failed.Steps) == 0 {
		return nil
	}
	return failed
}

// lateSteps is how long all steps together may take to return after their time is over.
const lateSteps = 500 * time.Millisecond

// within runs the step until it returns, at the longest until ctx has ended and late
// has passed.
func (s Step) within(ctx context.Context, log lines.Log, late time.Duration) error {
	returned := make(chan error, 1)
	go func() {
		err := errors.New("it ended its goroutine (runtime.Goexit)")
		defer func() { returned <- err }()
		err = s.do(ctx, log)
	}()
	select {
	case err := <-returned:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(late)
	defer timer.Stop()
	select {
	case err := <-returned:
		return err
	case <-timer.C:
		return fmt.Errorf("it has not returned, and is left behind: %w", context.Cause(ctx))
	}
}

// do calls the step. A panic is logged with its stack, and returned as an error.
func (s Step) do(ctx context.Context, log lines.Log) (err error) {
	if s.Do == nil {
		return errors.New("it has no function: set Step.Do")
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		value := recover()
		if value == nil {
			return // runtime.Goexit
		}
		log.Line(slog.LevelError, lines.StepPanic, slog.String("step", s.Name), slog.String("panic", oneline.Text(value)), slog.String("stack", string(debug.Stack())))
		err = fmt.Errorf("it panicked: %v", value)
	}()
	err = s.Do(ctx)
	returned = true
	return err
}

// ShutdownError is the error of Shutdown: the steps that were not confirmed.
type ShutdownError struct {
	Steps []StepError
}

// StepError says why a step of Shutdown was not confirmed.
type StepError struct {
	Name string
	Err  error
}

func (e *ShutdownError) add(name string, err error) {
	if err != nil {
		e.Steps = append(e.Steps, StepError{Name: name, Err: err})
	}
}

func (e *ShutdownError) Error() string {
	texts := make([]string, 0, len(e.Steps))
	for _, s := range e.Steps {
		texts = append(texts, fmt.Sprintf("%q: %s", s.Name, oneline.Text(s.Err)))
	}
	return "shutdown: " + strings.Join(texts, "; ")
}

// Unwrap returns the errors of the steps.
func (e *ShutdownError) Unwrap() []error {
	errs := make([]error, 0, len(e.Steps))
	for _, s := range e.Steps {
		errs = append(errs, s.Err)
	}
	return errs
}
