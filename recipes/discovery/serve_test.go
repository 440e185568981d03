package discovery_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// serve runs Serve; end ends it and returns its error.
func serve(t *testing.T, srv *zktest.Server, g discovery.Gate) (r *discovery.Registration, end func() error) {
	t.Helper()
	r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Serve(ctx, g) }()
	return r, func() error {
		cancel()
		return <-done
	}
}

// An instance is registered only while its check passes.
func TestServe_RegistersOnlyWhileTheCheckPasses(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		var healthy, slow atomic.Bool
		var running atomic.Int32
		_, end := serve(t, srv, discovery.Gate{
			Every: 2 * time.Second, Timeout: time.Second,
			Check: func(ctx context.Context) error {
				if running.Add(1) != 1 {
					t.Error("two checks at once")
				}
				defer running.Add(-1)
				if slow.Load() {
					<-ctx.Done()
					time.Sleep(5 * time.Second) // ignores its context for a while
					return nil
				}
				if !healthy.Load() {
					return errors.New("unhealthy")
				}
				return nil
			},
		})
		there := func() bool {
			t.Helper()
			time.Sleep(3500 * time.Millisecond)
			return srv.Exists("/services/web/1")
		}
		require.False(t, there())
		healthy.Store(true)
		require.True(t, there())
		healthy.Store(false)
		require.False(t, there())
		healthy.Store(true)
		require.True(t, there())
		slow.Store(true)
		require.False(t, there(), "a check that does not answer has failed")
		slow.Store(false)
		time.Sleep(10 * time.Second)
		require.True(t, there())
		require.ErrorIs(t, end(), context.Canceled)
		require.False(t, srv.Exists("/services/web/1"))
	})
}

func TestServe_OneFailureOfSeveralIsForgiven(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		var checks atomic.Int32
		watch := observe(t, srv)
		_, end := serve(t, srv, discovery.Gate{
			Every: time.Second, Failures: 2,
			Check: func(context.Context) error {
				if checks.Add(1)%2 == 0 {
					return errors.New("every other one")
				}
				return nil
			},
		})
		time.Sleep(20 * time.Second)
		require.True(t, srv.Exists("/services/web/1"))
		require.ErrorIs(t, end(), context.Canceled)
		require.Equal(t, []string{
			"created /services", "created /services/web", "created /services/web/1", "deleted /services/web/1",
		}, watch())
	})
}

// At its end the instance is drained: disabled, or taken out, for the configured time.
func TestServe_DrainsAtItsEnd(t *testing.T) {
	for _, takeOut := range []bool{false, true} {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			_, end := serve(t, srv, discovery.Gate{Drain: 10 * time.Second, TakeOut: takeOut})
			time.Sleep(time.Second)
			require.True(t, srv.Exists("/services/web/1"), "no check always passes")
			done := make(chan error, 1)
			start := time.Now()
			go func() { done <- end() }()
			time.Sleep(5 * time.Second)
			if takeOut {
				require.False(t, srv.Exists("/services/web/1"))
			} else {
				require.Contains(t, data(t, srv, "/services/web/1"), `"enabled":false`)
			}
			require.ErrorIs(t, <-done, context.Canceled)
			require.WithinDuration(t, start.Add(10*time.Second), time.Now(), time.Second)
			require.False(t, srv.Exists("/services/web/1"))
		})
	}
}

// failures: 94: an outage stops neither the checks nor the registration.
func TestServe_OverAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		var healthy atomic.Bool
		healthy.Store(true)
		var checks atomic.Int32
		down := func(on bool) {
			srv.Down(1, on)
			srv.Down(2, on)
		}
		_, end := serve(t, srv, discovery.Gate{
			Every: time.Second,
			Check: func(context.Context) error {
				checks.Add(1)
				if !healthy.Load() {
					return errors.New("unhealthy")
				}
				return nil
			},
		})
		time.Sleep(time.Second)
		down(true)
		before := checks.Load()
		time.Sleep(time.Minute)
		require.Greater(t, checks.Load()-before, int32(50))
		down(false)
		time.Sleep(10 * time.Second)
		require.True(t, srv.Exists("/services/web/1"))

		// It turns unhealthy during the next outage, and must not come back after it.
		down(true)
		time.Sleep(time.Second)
		healthy.Store(false)
		time.Sleep(2 * time.Second)
		down(false)
		time.Sleep(20 * time.Second)
		require.False(t, srv.Exists("/services/web/1"))
		healthy.Store(true)
		time.Sleep(10 * time.Second)
		require.True(t, srv.Exists("/services/web/1"))
		require.ErrorIs(t, end(), context.Canceled)
	})
}

// Serve ends early when another client has the ID, and when the client is closed.
func TestServe_EndsWhenThereIsNothingLeftToDo(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		other, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		c := connect(t, srv)
		d := discovery.New(c, "/services", discovery.Config{})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		require.ErrorIs(t, r.Serve(ctx, discovery.Gate{Every: time.Second}), discovery.ErrIDTaken)
		require.NoError(t, other.Unregister(ctx))

		done := make(chan error, 1)
		go func() { done <- r.Serve(ctx, discovery.Gate{Every: time.Second}) }()
		time.Sleep(10 * time.Second)
		require.True(t, srv.Exists("/services/web/1"))
		require.NoError(t, c.Close(ctx))
		require.ErrorIs(t, <-done, zk.ErrClosed)
	})
}

// While Serve runs, an instance that is taken out is Unregistered and not Ended. Its
// Err is the error of the check, and it comes back.
func TestServe_StatusSaysWhyTheInstanceIsOut(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.Static} {
		t.Run(string(typ), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1", Type: typ})
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				sick := errors.New("the disk is full")
				var healthy atomic.Bool
				done := make(chan error, 1)
				go func() {
					done <- r.Serve(ctx, discovery.Gate{Every: 2 * time.Second, Check: func(context.Context) error {
						time.Sleep(500 * time.Millisecond)
						if !healthy.Load() {
							return sick
						}
						return nil
					}})
				}()
				time.Sleep(100 * time.Millisecond)
				begun := time.Now()
				s := r.Status()
				require.Equal(t, discovery.Unregistered, s.State)
				require.NoError(t, s.Err, "no check has ended")
				time.Sleep(time.Second)
				s = r.Status()
				require.Equal(t, discovery.Unregistered, s.State)
				require.ErrorIs(t, s.Err, sick)
				require.WithinDuration(t, begun, s.Since, 200*time.Millisecond)

				healthy.Store(true)
				time.Sleep(5 * time.Second)
				require.Equal(t, discovery.Registered, r.Status().State)
				healthy.Store(false)
				time.Sleep(10 * time.Second)
				s = r.Status()
				require.Equal(t, discovery.Unregistered, s.State)
				require.ErrorIs(t, s.Err, sick)
				require.Greater(t, time.Since(s.Since), 7*time.Second)
				require.Less(t, time.Since(s.Since), 10*time.Second)

				cancel()
				require.ErrorIs(t, <-done, context.Canceled)
				s = r.Status()
				require.Equal(t, discovery.Ended, s.State)
				require.ErrorIs(t, s.Err, discovery.ErrUnregistered)
			})
		})
	}
}

// Serve ends at once when the client is closed, also between two checks and while a
// check runs.
func TestServe_EndsWithTheClient(t *testing.T) {
	for name, during := range map[string]bool{"between two checks": false, "during a check": true} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				ctx := t.Context()
				c := connect(t, srv)
				r, err := discovery.New(c, "/services", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1"})
				require.NoError(t, err)
				done := make(chan error, 1)
				go func() {
					done <- r.Serve(ctx, discovery.Gate{Every: time.Hour, Check: func(ctx context.Context) error {
						if during {
							<-ctx.Done()
						}
						return nil
					}})
				}()
				time.Sleep(10 * time.Second)
				require.Equal(t, !during, srv.Exists("/services/web/1"))
				require.NoError(t, c.Close(ctx))
				start := time.Now()
				require.ErrorIs(t, <-done, zk.ErrClosed)
				require.Less(t, time.Since(start), time.Second)
			})
		})
	}
}
