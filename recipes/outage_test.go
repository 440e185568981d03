package recipes_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// queued are the calls whose create waits in the client's queue during an outage. The
// client may still send it, so their outcome is unknown. The node is then deleted in
// the background.
var queued = []string{
	"Lock.Acquire", "Lock.Do", "ReadWrite.Read", "ReadWrite.Write", "Multi.Acquire", "Election.Campaign", "Election.Run",
}

// A call whose context ends in an outage has sent nothing, and its outcome says so:
// while the session may live, and after it is over.
func TestRecipes_NothingIsSentInAnOutage(t *testing.T) {
	for name, outage := range map[string]time.Duration{"session may live": time.Second, "session is over": time.Minute} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				c := srv.Client(t)
				calls := callsOf(c, recipes.Curator)
				gate, double := barrier.New(c, "/g", barrier.Config{}), barrier.NewDouble(c, "/d", 1, barrier.DoubleConfig{})
				calls["Barrier.Raise"], calls["Barrier.Lower"], calls["Barrier.Wait"] = gate.Raise, gate.Lower, gate.Wait
				calls["Double.Enter"] = func(ctx context.Context) error { _, err := double.Enter(ctx); return err }
				delete(calls, "Election.Observe") // yields Unknown instead of an error
				time.Sleep(time.Second)
				srv.Down(0, true)
				time.Sleep(outage)
				for call, f := range calls {
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					err := f(ctx)
					cancel()
					require.ErrorIs(t, err, context.DeadlineExceeded, call)
					want := zk.OutcomeNotSent
					if outage < c.Session().Timeout() && slices.Contains(queued, call) {
						want = zk.OutcomeUnknown
					}
					require.Equal(t, want, zk.OutcomeOf(err), "%s: %v", call, err)
				}
				srv.Down(0, false)
				require.NoError(t, c.Ready(t.Context()))
				time.Sleep(time.Second)
				for _, dir := range []string{"/l", "/rw", "/s", "/e", "/d"} {
					require.Empty(t, srv.Children(dir))
				}
				require.False(t, srv.Exists("/g"))
			})
		})
	}
}
