package zkprom_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// requireMetrics requires that the metrics with these names are exactly those of the text, in
// which lines are "name{labels} value".
func requireMetrics(t *testing.T, m *zkprom.Metrics, text string, names ...string) {
	t.Helper()
	synctest.Wait()
	page, err := testutil.CollectAndFormat(m, expfmt.TypeTextPlain, names...)
	require.NoError(t, err)
	var got []string
	for line := range strings.Lines(string(page)) {
		if !strings.HasPrefix(line, "#") {
			got = append(got, strings.TrimPrefix(strings.TrimSpace(line), "zookit_"))
		}
	}
	var want []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	require.Equal(t, want, got)
}

// A lock is counted: calls by their result, waits and holds by their length, and what
// waits and holds now.
func TestRecipes_OfALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{HoldBuckets: []float64{1, 10}})
		defer c.Close(t.Context())
		first, err := lock.New(srv.Client(t), "/l", lock.Config{}).Acquire(t.Context())
		require.NoError(t, err)
		l := lock.New(c, "/l", lock.Config{})

		_, err = l.TryAcquire(t.Context())
		require.ErrorIs(t, err, lock.ErrHeld)
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = l.Acquire(brief)
		require.ErrorIs(t, err, context.DeadlineExceeded)

		got := make(chan *lock.Held, 1)
		go func() {
			h, _ := l.Acquire(t.Context())
			got <- h
		}()
		time.Sleep(5 * time.Second)
		now := []string{"zookit_acquisitions_waiting", "zookit_acquisition_longest_wait_seconds", "zookit_acquisition_contenders_ahead", "zookit_holds"}
		requireMetrics(t, m, `
			acquisition_contenders_ahead{path="/l",recipe="lock"} 1
			acquisition_longest_wait_seconds{path="/l",recipe="lock"} 5
			acquisitions_waiting{path="/l",recipe="lock"} 1
			holds{path="/l",recipe="lock"} 0
		`, now...)
		require.NoError(t, first.Release(t.Context()))
		h := <-got
		requireMetrics(t, m, `
			acquisition_contenders_ahead{path="/l",recipe="lock"} 0
			acquisition_longest_wait_seconds{path="/l",recipe="lock"} 0
			acquisitions_waiting{path="/l",recipe="lock"} 0
			holds{path="/l",recipe="lock"} 1
		`, now...)
		time.Sleep(30 * time.Second)
		require.NoError(t, h.Release(t.Context()))
		requireMetrics(t, m, `
			acquisition_wait_seconds_bucket{path="/l",recipe="lock",le="1"} 0
			acquisition_wait_seconds_bucket{path="/l",recipe="lock",le="10"} 1
			acquisition_wait_seconds_bucket{path="/l",recipe="lock",le="+Inf"} 1
			acquisition_wait_seconds_sum{path="/l",recipe="lock"} 5
			acquisition_wait_seconds_count{path="/l",recipe="lock"} 1
			acquisitions_queued_total{path="/l",recipe="lock"} 2
			acquisitions_total{path="/l",recipe="lock",result="gave_up"} 1
			acquisitions_total{path="/l",recipe="lock",result="granted"} 1
			acquisitions_total{path="/l",recipe="lock",result="held"} 1
			hold_duration_seconds_bucket{path="/l",recipe="lock",le="1"} 0
			hold_duration_seconds_bucket{path="/l",recipe="lock",le="10"} 0
			hold_duration_seconds_bucket{path="/l",recipe="lock",le="+Inf"} 1
			hold_duration_seconds_sum{path="/l",recipe="lock"} 30
			hold_duration_seconds_count{path="/l",recipe="lock"} 1
			holds{path="/l",recipe="lock"} 0
			holds_ended_total{cause="closed",path="/l",recipe="lock"} 0
			holds_ended_total{cause="deleted",path="/l",recipe="lock"} 0
			holds_ended_total{cause="lease_lapsed",path="/l",recipe="lock"} 0
			holds_ended_total{cause="other",path="/l",recipe="lock"} 0
			holds_ended_total{cause="released",path="/l",recipe="lock"} 1
			holds_ended_total{cause="session_expired",path="/l",recipe="lock"} 0
		`, "zookit_acquisition_wait_seconds", "zookit_acquisitions_queued_total", "zookit_acquisitions_total",
			"zookit_hold_duration_seconds", "zookit_holds", "zookit_holds_ended_total")
	})
}

// The other recipes with holds are counted under their own names.
func TestRecipes_OfEachKindOfHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, m := connect(t, zkprom.Options{})
		defer c.Close(t.Context())
		leadership, err := election.New(c, "/e", election.Config{ID: "me"}).Campaign(t.Context())
		require.NoError(t, err)
		permits, err := lock.NewSemaphore(c, "/s", 2, lock.Config{}).Acquire(t.Context(), 1)
		require.NoError(t, err)
		entry, err := barrier.NewDouble(c, "/b", 1, barrier.DoubleConfig{}).Enter(t.Context())
		require.NoError(t, err)
		requireMetrics(t, m, `
			holds{path="/b",recipe="barrier"} 1
			holds{path="/e",recipe="election"} 1
			holds{path="/s",recipe="semaphore"} 1
		`, "zookit_holds")
		require.NoError(t, leadership.Resign(t.Context()))
		require.NoError(t, permits.Release(t.Context()))
		require.NoError(t, entry.Leave(t.Context()))
		requireMetrics(t, m, `
			holds{path="/b",recipe="barrier"} 0
			holds{path="/e",recipe="election"} 0
			holds{path="/s",recipe="semaphore"} 0
		`, "zookit_holds")
	})
}

// A hold that was lost is counted by the cause. The counters are there before, so that
// Prometheus sees the first loss as an increase.
func TestRecipes_LostHoldsByCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		ended := func(cause string) float64 {
			t.Helper()
			synctest.Wait()
			return value(t, m, "zookit_holds_ended_total{cause="+cause+",path=/l,recipe=lock}")
		}
		acquire := func() *lock.Held {
			h, err := lock.New(c, "/l", lock.Config{}).Acquire(t.Context())
			require.NoError(t, err)
			return h
		}
		h := acquire()
		require.Zero(t, ended("deleted"))
		require.NoError(t, srv.Delete(h.Path()))
		<-h.Context().Done()
		require.EqualValues(t, 1, ended("deleted"))

		h = acquire()
		srv.Down(0, true)
		<-h.Context().Done()
		require.EqualValues(t, 1, ended("lease_lapsed"))
		srv.Down(0, false)
		_, err := c.AwaitSession(t.Context())
		require.NoError(t, err)
		_ = h.Release(t.Context()) // deletes the node of the hold that was lost

		h = acquire()
		require.NoError(t, c.Close(t.Context()))
		<-h.Context().Done()
		require.EqualValues(t, 1, ended("closed"))
		require.EqualValues(t, 0, value(t, m, "zookit_holds{path=/l,recipe=lock}"))

		for cause, err := range map[string]error{
			"session_expired": fmt.Errorf("lock: %w", zk.ErrSessionExpired), "other": errors.New("what nobody knows"),
		} {
			hold := recipes.Granted{Acquisition: recipes.Acquisition{ID: 1, Recipe: "lock", Dir: "/l"}}
			m.OnGranted(hold)
			m.OnHoldEnded(recipes.HoldEnded{Granted: hold, Err: err})
			require.EqualValues(t, 1, ended(cause), cause)
		}
		require.EqualValues(t, 0, ended("released"))
	})
}

// What observers of an election see is counted until they end.
func TestRecipes_OfAnElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		defer c.Close(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		for range 2 {
			go func() {
				for range election.New(c, "/e", election.Config{}).Observe(ctx) { //nolint:revive // the hooks see it
				}
			}()
		}
		observers := func(led, unknown, vacant int) {
			t.Helper()
			requireMetrics(t, m, fmt.Sprintf(`
				election_observers{path="/e",state="led"} %d
				election_observers{path="/e",state="unknown"} %d
				election_observers{path="/e",state="vacant"} %d
			`, led, unknown, vacant), "zookit_election_observers")
		}
		observers(0, 0, 2)
		leadership, err := election.New(srv.Client(t), "/e", election.Config{ID: "a"}).Campaign(ctx)
		require.NoError(t, err)
		observers(2, 0, 0)
		require.NoError(t, leadership.Resign(ctx))
		observers(0, 0, 2)
		requireMetrics(t, m, `
			election_changes_total{path="/e",state="led"} 2
			election_changes_total{path="/e",state="unknown"} 0
			election_changes_total{path="/e",state="vacant"} 4
		`, "zookit_election_changes_total")
		srv.Down(0, true)
		time.Sleep(time.Second)
		observers(0, 2, 0)
		stop()
		observers(0, 0, 0)
		srv.Down(0, false)
	})
}

// Members, copies and instances that were set aside are counted under the path of the
// group or service.
func TestRecipes_OfMembersAndCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		defer c.Close(t.Context())
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		group := groupmembership.New(c, "/g", groupmembership.Config{})
		var members []*groupmembership.Membership
		for _, id := range []string{"one", "two"} {
			member, err := group.Join(ctx, id, nil)
			require.NoError(t, err)
			members = append(members, member)
		}
		d := discovery.New(c, "/d", discovery.Config{})
		_, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1", Address: "host"})
		require.NoError(t, err)
		cache := d.Cache()
		go func() { _ = cache.Run(ctx) }()
		synctest.Wait()
		now := []string{"zookit_members", "zookit_caches"}
		requireMetrics(t, m, `
			caches{path="/d",recipe="discovery",state="fresh"} 1
			caches{path="/d",recipe="discovery",state="stale"} 0
			members{path="/d/web",recipe="discovery",state="registered"} 1
			members{path="/d/web",recipe="discovery",state="unregistered"} 0
			members{path="/g",recipe="groupmembership",state="registered"} 2
			members{path="/g",recipe="groupmembership",state="unregistered"} 0
		`, now...)
		use, err := cache.Provider("web", discovery.ProviderConfig{Errors: 1}).Pick()
		require.NoError(t, err)
		use.Done(errors.New("refused"))
		requireMetrics(t, m, `instances_set_aside_total{path="/d/web"} 1`, "zookit_instances_set_aside_total")

		require.NoError(t, members[0].Leave(ctx))
		srv.Down(0, true)
		time.Sleep(time.Minute)
		requireMetrics(t, m, `
			caches{path="/d",recipe="discovery",state="fresh"} 0
			caches{path="/d",recipe="discovery",state="stale"} 1
			caches_turned_stale_total{path="/d",recipe="discovery"} 1
			members{path="/d/web",recipe="discovery",state="registered"} 0
			members{path="/d/web",recipe="discovery",state="unregistered"} 1
			members{path="/g",recipe="groupmembership",state="registered"} 0
			members{path="/g",recipe="groupmembership",state="unregistered"} 1
		`, append(now, "zookit_caches_turned_stale_total")...)
		srv.Down(0, false)
		time.Sleep(time.Minute)
		stop()
		requireMetrics(t, m, `
			caches{path="/d",recipe="discovery",state="fresh"} 0
			caches{path="/d",recipe="discovery",state="stale"} 0
			member_changes_total{path="/d/web",recipe="discovery",state="ended"} 0
			member_changes_total{path="/d/web",recipe="discovery",state="registered"} 2
			member_changes_total{path="/d/web",recipe="discovery",state="unregistered"} 1
			member_changes_total{path="/g",recipe="groupmembership",state="ended"} 1
			member_changes_total{path="/g",recipe="groupmembership",state="registered"} 3
			member_changes_total{path="/g",recipe="groupmembership",state="unregistered"} 2
		`, "zookit_caches", "zookit_member_changes_total")
		require.NoError(t, c.Close(t.Context()))
		requireMetrics(t, m, `
			members{path="/d/web",recipe="discovery",state="registered"} 0
			members{path="/d/web",recipe="discovery",state="unregistered"} 0
			members{path="/g",recipe="groupmembership",state="registered"} 0
			members{path="/g",recipe="groupmembership",state="unregistered"} 0
		`, "zookit_members")
	})
}

// A copy that cannot be loaded is stale from the beginning.
func TestRecipes_ACopyThatIsNeverLoaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, c, m := connect(t, zkprom.Options{})
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		srv.Down(0, true)
		time.Sleep(time.Second)
		ended := make(chan error)
		go func() { ended <- discovery.New(c, "/d", discovery.Config{}).Cache().Run(ctx) }()
		time.Sleep(time.Second)
		require.EqualValues(t, 1, value(t, m, "zookit_caches{path=/d,recipe=discovery,state=stale}"))
		stop()
		<-ended
		require.EqualValues(t, 0, value(t, m, "zookit_caches{path=/d,recipe=discovery,state=stale}"))
		require.EqualValues(t, 0, value(t, m, "zookit_caches_turned_stale_total{path=/d,recipe=discovery}"))
		srv.Down(0, false)
		require.NoError(t, c.Close(t.Context()))
	})
}

// The label path has few values, whatever the program does. None is that of a node with
// a sequence number.
func TestOptions_PathsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		granted := func(m *zkprom.Metrics, path string) float64 {
			series := "zookit_acquisitions_total{path=" + path + ",recipe=lock,result=granted}"
			return value(t, m, series)
		}
		use := func(c *zk.Client) {
			for i := range 5 {
				h, err := lock.New(c, fmt.Sprintf("/customers/%d", i), lock.Config{}).Acquire(t.Context())
				require.NoError(t, err)
				require.NoError(t, h.Release(t.Context()))
			}
			require.NoError(t, c.Close(t.Context()))
		}
		_, c, m := connect(t, zkprom.Options{MaxPaths: 2})
		use(c)
		require.EqualValues(t, 1, granted(m, "/customers/0"))
		require.EqualValues(t, 1, granted(m, "/customers/1"))
		require.EqualValues(t, -1, granted(m, "/customers/2"))
		require.EqualValues(t, 3, granted(m, "other"))
		require.EqualValues(t, 0, value(t, m, "zookit_holds{path=other,recipe=lock}"))

		_, c, m = connect(t, zkprom.Options{MaxPaths: -1})
		use(c)
		require.EqualValues(t, 5, granted(m, "other"))

		_, c, m = connect(t, zkprom.Options{Path: func(recipe, dir string) string { return recipe + " in " + path.Dir(dir) }})
		use(c)
		require.EqualValues(t, 5, granted(m, "lock in /customers"))

		_, c, m = connect(t, zkprom.Options{Path: func(string, string) string { return "" }})
		use(c)
		require.EqualValues(t, 5, granted(m, ""))

		_, c, m = connect(t, zkprom.Options{Path: func(string, string) string { return "\xff" }})
		use(c)
		require.EqualValues(t, 5, granted(m, "\uFFFD"))
	})
}

// Instances whose nodes have a sequence number may share a path. Each is counted.
func TestRecipes_MembersWithTheSamePath(t *testing.T) {
	m := zkprom.New(zkprom.Options{})
	change := func(state string) {
		m.OnMemberChanged(recipes.MemberChanged{Recipe: "discovery", Path: "/d/web/1", State: state})
	}
	members := func(registered, unregistered int) {
		t.Helper()
		require.EqualValues(t, registered, value(t, m, "zookit_members{path=/d/web,recipe=discovery,state=registered}"))
		require.EqualValues(t, unregistered, value(t, m, "zookit_members{path=/d/web,recipe=discovery,state=unregistered}"))
	}
	change("ended") // it was never registered
	members(0, 0)
	change("registered")
	change("registered")
	members(2, 0)
	change("unregistered")
	members(1, 1)
	change("registered")
	members(2, 0)
	change("unregistered")
	change("ended")
	members(1, 0)
	change("ended") // with its client
	members(0, 0)
}
