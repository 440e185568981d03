package discovery

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/internal/mirror"
	"github.com/zookit/zookit/zk"
)

// The timer of one grace fires while the end of another outage is recorded. What has
// vanished in that outage stays for the whole of the new grace.
func TestCache_OldTimerDoesNotEndANewGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(new(zk.Client), "/s", Config{Grace: 20 * time.Second}).Cache()
		c.b.begin()
		e := mirror.Entry{
			Path: "/s/web/a", Data: []byte(`{"name":"web","id":"a"}`), Stat: zk.Stat{EphemeralOwner: 7, Czxid: 3},
		}
		c.b.apply(mirror.Batch{Set: []mirror.Entry{e}})
		c.b.apply(mirror.Batch{Gap: true})
		time.Sleep(20 * time.Second)
		c.b.apply(mirror.Batch{Gap: true, Gone: []string{e.Path}})
		c.b.forget() // lapse, whose timer fired during apply
		require.Len(t, c.Snapshot().Vanished("web"), 1, "dropped at the beginning of the grace")
		time.Sleep(20*time.Second - time.Nanosecond)
		c.b.forget()
		require.Len(t, c.Snapshot().Vanished("web"), 1, "dropped before the end of the grace")
		time.Sleep(time.Nanosecond)
		c.b.forget()
		require.Empty(t, c.Snapshot().Vanished("web"))
	})
}

// The connection is lost and back again every ten seconds. What has vanished is
// dropped all the same, after the grace.
func TestCache_ShortOutagesDoNotKeepWhatVanished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(new(zk.Client), "/s", Config{Grace: 25 * time.Second}).Cache()
		c.b.begin()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.b.lapse(ctx); close(done) }()
		c.b.apply(mirror.Batch{})
		for round := range 20 {
			e := mirror.Entry{
				Path: fmt.Sprintf("/s/web/%02d", round), Data: []byte(`{"name":"web","id":"x"}`),
				Stat: zk.Stat{EphemeralOwner: 7, Czxid: int64(round)},
			}
			c.b.apply(mirror.Batch{Set: []mirror.Entry{e}})
			c.b.apply(mirror.Batch{Status: mirror.Status{Stale: true, Since: time.Now()}})
			time.Sleep(time.Second)
			c.b.apply(mirror.Batch{Gap: true, Gone: []string{e.Path}})
			require.LessOrEqual(t, len(c.Snapshot().Vanished("web")), 3, "round %d", round)
			time.Sleep(9 * time.Second)
		}
		require.Len(t, c.Snapshot().Vanished("web"), 2, "of fresh time, each has nine seconds a round")
		time.Sleep(25 * time.Second)
		require.Empty(t, c.Snapshot().Vanished("web"))
		cancel()
		<-done
	})
}
