package discovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The outcome of a failed Update says whether it recorded the change: not with
// OutcomeNotSent, else it stores the change later. The change of an ended context
// is never recorded.
func TestRegistration_UpdateWithAnEndedContextRecordsNothing(t *testing.T) {
	for _, kind := range []discovery.ServiceType{discovery.Dynamic, discovery.Static} {
		t.Run(string(kind), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).
					Register(t.Context(), discovery.Instance{Name: "web", ID: "1", Address: "old", Type: kind})
				require.NoError(t, err)
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				for range 50 { // a select between two ready cases takes one at random
					err := r.Update(ended, func(i *discovery.Instance) { i.Address = "new" })
					require.ErrorIs(t, err, context.Canceled)
					require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%v", err)
					require.Equal(t, "old", r.Instance().Address)
				}
				synctest.Wait()
				require.Contains(t, data(t, srv, "/services/web/1"), `"address":"old"`)
				require.NoError(t, r.Unregister(t.Context()))
			})
		})
	}
}

// In an outage the first Update waits for its reply, and the second waits for the
// first. The context of the second ends meanwhile: its change is not recorded. The
// context of the first ends: its change is stored after the outage.
func TestRegistration_UpdateThatEndsInAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		r, err := discovery.New(connect(t, srv, on("zk1:2181")), "/services", discovery.Config{}).
			Register(t.Context(), discovery.Instance{Name: "web", ID: "1", Address: "old"})
		require.NoError(t, err)
		srv.Down(1, true)
		update := func(limit time.Duration, address string) <-chan error {
			done := make(chan error, 1)
			go func() {
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				done <- r.Update(ctx, func(i *discovery.Instance) { i.Address = address })
			}()
			synctest.Wait()
			return done
		}
		first, second := update(10*time.Second, "first"), update(time.Second, "second")
		err = <-second
		defer srv.Down(1, false)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), "%v", err)
		err = <-first
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err), "%v", err)
		require.Equal(t, "first", r.Instance().Address)
		srv.Down(1, false)
		time.Sleep(time.Minute)
		require.Contains(t, data(t, srv, "/services/web/1"), `"address":"first"`)
		require.NoError(t, r.Unregister(t.Context()))
	})
}
