package zkotel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"

	"github.com/zookit/zookit/contrib/zkotel"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
)

// A lock that is waited for has a span for the wait, with its events, and one for the
// hold, with a link to the first. Both are below the span of the program.
func TestLock_HasSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		first, err := lock.New(w.connect(), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		time.AfterFunc(5*time.Second, func() { _ = first.Release(context.Background()) })

		ctx, parent := w.tracer.Start(t.Context(), "program")
		h, err := lock.New(w.c, "/l", lock.Config{}).Acquire(ctx)
		require.NoError(t, err)
		wait := w.one("acquire lock")
		require.Equal(t, parent.SpanContext().SpanID(), wait.Parent.SpanID())
		require.Equal(t, 5*time.Second, wait.EndTime.Sub(wait.StartTime).Round(time.Second))
		require.Equal(t, []string{"queued", "granted"}, events(wait))
		require.Equal(t, map[string]string{"zookit.ahead": "1"}, attrs(wait.Events[0].Attributes))
		require.Equal(t, map[string]string{"zookit.recipe": "lock", "zookit.acquisition.result": "granted"}, attrs(wait.Attributes))
		require.EqualValues(t, 1, w.value("zookit.acquisition.duration", "zookit.acquisition.result=granted,zookit.recipe=lock"))
		require.EqualValues(t, 1, w.value("zookit.hold.active", "zookit.recipe=lock"))
		require.Empty(t, w.named("hold lock"))

		time.Sleep(3 * time.Second)
		require.NoError(t, h.Release(ctx))
		hold := w.one("hold lock")
		require.Equal(t, parent.SpanContext().SpanID(), hold.Parent.SpanID())
		require.Equal(t, 3*time.Second, hold.EndTime.Sub(hold.StartTime).Round(time.Second))
		require.Equal(t, codes.Unset, hold.Status.Code)
		require.Equal(t, "released", attrs(hold.Attributes)["zookit.hold.end"])
		require.Len(t, hold.Links, 1)
		require.Equal(t, wait.SpanContext.SpanID(), hold.Links[0].SpanContext.SpanID())
		require.EqualValues(t, 1, w.value("zookit.hold.duration", "zookit.hold.end=released,zookit.recipe=lock"))
		require.EqualValues(t, 0, w.value("zookit.hold.active", "zookit.recipe=lock"))
		require.EqualValues(t, -1, w.value("zookit.hold.losses", "zookit.recipe=lock"))
	})
}

// A wait that ends without a hold says why. A TryAcquire that finds another holder has
// not failed.
func TestLock_ThatIsNotGranted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		first, err := lock.New(w.connect(), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		defer first.Release(t.Context())
		l := lock.New(w.c, "/l", lock.Config{})

		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.Acquire(brief)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		wait := w.one("acquire lock")
		require.Equal(t, codes.Error, wait.Status.Code)
		require.Equal(t, "deadline_exceeded", wait.Status.Description, "no path")
		require.Equal(t, "gave_up", attrs(wait.Attributes)["zookit.acquisition.result"])
		require.Equal(t, "deadline_exceeded", attrs(wait.Attributes)["error.type"])

		w.spans.Reset()
		_, err = l.TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		wait = w.one("acquire lock")
		require.Equal(t, codes.Unset, wait.Status.Code)
		require.Equal(t, "held", attrs(wait.Attributes)["zookit.acquisition.result"])
		require.EqualValues(t, 1, w.value("zookit.acquisition.duration", "zookit.acquisition.result=gave_up,zookit.recipe=lock"))
		require.EqualValues(t, 1, w.value("zookit.acquisition.duration", "zookit.acquisition.result=held,zookit.recipe=lock"))
	})
}

// A hold that is lost has the status Error, and the cause is counted.
func TestLock_ThatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{Paths: true})
		h, err := lock.New(w.c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.srv.Delete(h.Path()))
		<-h.Context().Done()
		hold := w.one("hold lock")
		require.Equal(t, codes.Error, hold.Status.Code)
		require.Equal(t, "own node was deleted", hold.Status.Description)
		got := attrs(hold.Attributes)
		require.Equal(t, "lost", got["zookit.hold.end"])
		require.Equal(t, "deleted", got["error.type"])
		require.Equal(t, "/l", got["zookit.dir"])
		require.Equal(t, h.Path(), got["zookit.node"])
		require.EqualValues(t, 1, w.value("zookit.hold.losses", "error.type=deleted,zookit.recipe=lock"))

		w.spans.Reset()
		h, err = lock.New(w.c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		w.srv.Down(0, true)
		<-h.Context().Done()
		require.Equal(t, "lease_lapsed", attrs(w.one("hold lock").Attributes)["error.type"])
		require.EqualValues(t, 0, w.value("zookit.hold.active", "zookit.recipe=lock"))
		w.srv.Down(0, false)
	})
}

// A hold that ends because the program closes its client was not lost.
func TestLock_ThatEndsWithItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		h, err := lock.New(w.c, "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		require.NoError(t, w.c.Close(t.Context()))
		<-h.Context().Done()
		hold := w.one("hold lock")
		require.Equal(t, codes.Unset, hold.Status.Code)
		require.Equal(t, "closed", attrs(hold.Attributes)["zookit.hold.end"])
		require.NotContains(t, attrs(hold.Attributes), "error.type")
		require.EqualValues(t, 1, w.value("zookit.hold.duration", "zookit.hold.end=closed,zookit.recipe=lock"))
		require.EqualValues(t, -1, w.value("zookit.hold.losses", "error.type=closed,zookit.recipe=lock"))
	})
}

// A leadership is a trace of its own, with a link to the campaign.
func TestElection_LeadershipIsATraceOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		ctx, parent := w.tracer.Start(t.Context(), "program")
		l, err := election.New(w.c, "/e", election.Config{ID: "me"}).Campaign(ctx)
		require.NoError(t, err)
		require.NoError(t, l.Resign(ctx))
		campaign, hold := w.one("acquire election"), w.one("hold election")
		require.Equal(t, parent.SpanContext().TraceID(), campaign.SpanContext.TraceID())
		require.NotEqual(t, parent.SpanContext().TraceID(), hold.SpanContext.TraceID())
		require.False(t, hold.Parent.IsValid())
		require.Equal(t, campaign.SpanContext.SpanID(), hold.Links[0].SpanContext.SpanID())
		require.Equal(t, "released", attrs(hold.Attributes)["zookit.hold.end"])
	})
}

// Acquisitions and holds that never end take bounded memory: a further one displaces the
// oldest. What is displaced still counts in the metrics.
func TestOptions_MaxOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		other := w.telemetry(zkotel.Options{MaxOpen: 2})
		acquisition := func(id uint64) recipes.Acquisition {
			return recipes.Acquisition{ID: id, Recipe: "lock", Dir: "/l", Context: t.Context(), Began: time.Now()}
		}
		for id := range uint64(1000) {
			other.OnAcquiring(acquisition(id))
		}
		require.Len(t, w.named("acquire lock"), 998)
		require.Equal(t, []string{"displaced"}, events(w.named("acquire lock")[0]))

		other.OnQueued(recipes.Queued{Acquisition: acquisition(0), Ahead: 1})
		other.OnGranted(recipes.Granted{Acquisition: acquisition(0)})
		other.OnGaveUp(recipes.GaveUp{Acquisition: acquisition(1), Err: context.Canceled})
		require.Len(t, w.named("acquire lock"), 998, "their spans have ended before")
		require.EqualValues(t, 1, w.value("zookit.acquisition.duration", "zookit.acquisition.result=granted,zookit.recipe=lock"))
		require.EqualValues(t, 1, w.value("zookit.acquisition.duration", "zookit.acquisition.result=gave_up,zookit.recipe=lock"))
		other.OnHoldEnded(recipes.HoldEnded{Granted: recipes.Granted{Acquisition: acquisition(0)}})
		require.Empty(t, w.one("hold lock").Links)

		// The newest are kept.
		other.OnGranted(recipes.Granted{Acquisition: acquisition(999)})
		other.OnHoldEnded(recipes.HoldEnded{Granted: recipes.Granted{Acquisition: acquisition(999)}})
		require.Len(t, w.named("acquire lock"), 999)
		require.Len(t, w.named("hold lock")[1].Links, 1)
	})
}

// A hold that was resumed was not waited for: it has a span of its own, and no link.
func TestLock_ThatIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, zkotel.Options{})
		l := lock.New(w.c, "/l", lock.Config{})
		h, err := l.Acquire(t.Context())
		require.NoError(t, err)
		detached, err := h.Detach(t.Context())
		require.NoError(t, err)
		require.Equal(t, "released", attrs(w.one("hold lock").Attributes)["zookit.hold.end"], "it was not lost")
		w.spans.Reset()

		h, err = l.Resume(t.Context(), detached)
		require.NoError(t, err)
		require.EqualValues(t, 1, w.value("zookit.hold.active", "zookit.recipe=lock"))
		require.NoError(t, h.Release(t.Context()))
		require.Empty(t, w.named("acquire lock"))
		require.Empty(t, w.one("hold lock").Links)
		require.EqualValues(t, 0, w.value("zookit.hold.active", "zookit.recipe=lock"))
	})
}
