package core_test

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// These tests check the promises of watches on a real server.

// watchesOn returns the number of watches that the server itself counts.
func watchesOn(t *testing.T, e ensemble.Ensemble) int {
	t.Helper()
	text, err := e.FourLetter(t.Context(), 0, "wchs")
	require.NoError(t, err)
	m := regexp.MustCompile(`Total watches:(\d+)`).FindStringSubmatch(text)
	require.NotNil(t, m, text)
	n, err := strconv.Atoi(m[1])
	require.NoError(t, err)
	return n
}

// pending returns the events that wait in a subscription, as "type path".
func pending(sub *zk.Subscription) (got []string) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for ev, err := range sub.Events(ended) {
		if err == nil {
			got = append(got, ev.Type.String()+" "+ev.Path)
		}
	}
	return got
}

// failures: 29: for every kind of watch, the event arrives before a read that shows
// the change.
func TestCore_EventComesBeforeTheReadThatShowsTheChange(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	reader, writer := connect(t, e.Servers()), connect(t, e.Direct())
	ctx := t.Context()
	for _, path := range []string{"/dir", "/dir/n"} {
		_, err := writer.Create(ctx, path, nil, zk.Persistent)
		require.NoError(t, err)
	}
	type told = func() bool
	lasting := func(path string, opts ...zk.SubscribeOption) (told, func()) {
		sub, err := reader.Subscribe(ctx, path, opts...)
		require.NoError(t, err)
		return func() bool { return len(pending(sub)) > 0 }, func() { sub.Close() }
	}
	for kind, set := range map[string]func() (told, func()){
		"data": func() (told, func()) {
			_, w, err := reader.GetW(ctx, "/dir/n")
			require.NoError(t, err)
			return w.Fired, w.Stop
		},
		"exists": func() (told, func()) {
			_, _, w, err := reader.ExistsW(ctx, "/dir/n")
			require.NoError(t, err)
			return w.Fired, w.Stop
		},
		"child": func() (told, func()) {
			_, _, w, err := reader.ChildrenW(ctx, "/dir/n")
			require.NoError(t, err)
			return w.Fired, w.Stop
		},
		"persistent": func() (told, func()) { return lasting("/dir/n") },
		"recursive":  func() (told, func()) { return lasting("/dir", zk.Recursive()) },
	} {
		for i := range 200 {
			fired, stop := set()
			before, err := reader.Get(ctx, "/dir/n")
			require.NoError(t, err)
			changed := make(chan error, 1)
			go func() {
				var err error
				if kind == "child" {
					_, err = writer.Create(ctx, "/dir/n/"+strconv.Itoa(i), nil, zk.Persistent)
				} else {
					_, err = writer.Set(ctx, "/dir/n", nil, zk.AnyVersion)
				}
				changed <- err
			}()
			for {
				now, err := reader.Get(ctx, "/dir/n")
				require.NoError(t, err)
				if now.Stat.Version != before.Stat.Version || now.Stat.Cversion != before.Stat.Cversion {
					break
				}
			}
			require.True(t, fired(), "%s, round %d", kind, i)
			require.NoError(t, <-changed)
			stop()
		}
	}
}

// failures: 31, 32: all kinds of watches on one path. One kind is removed; the others
// fire, and the connection stays. A recursive watch gets no event of changed children.
// At the end the server counts no watch, also after thousands of them.
func TestCore_WatchKindsLiveOnOnePathAndLeaveNothing(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	c, writer := connect(t, e.Servers()), connect(t, e.Direct())
	ctx := t.Context()
	kinds := []string{"data", "exists", "child", "persistent", "recursive"}
	for round := range len(kinds) + 1 { // the last round removes none
		path := "/t" + strconv.Itoa(round)
		_, err := writer.Create(ctx, path, nil, zk.Persistent)
		require.NoError(t, err)
		require.NoError(t, c.Sync(ctx, path))
		flat, err := c.Subscribe(ctx, path)
		require.NoError(t, err)
		_, data, err := c.GetW(ctx, path)
		require.NoError(t, err)
		deep, err := c.Subscribe(ctx, path, zk.Recursive())
		require.NoError(t, err)
		_, _, exists, err := c.ExistsW(ctx, path)
		require.NoError(t, err)
		_, _, child, err := c.ChildrenW(ctx, path)
		require.NoError(t, err)
		stop := map[string]func(){
			"data": data.Stop, "exists": exists.Stop, "child": child.Stop,
			"persistent": func() { flat.Close() }, "recursive": func() { deep.Close() },
		}
		gone := "none"
		if round < len(kinds) {
			gone = kinds[round]
			stop[gone]() // the node changes while the removal is on its way
		}
		_, err = writer.Create(ctx, path+"/c", nil, zk.Persistent)
		require.NoError(t, err)
		require.NoError(t, c.Sync(ctx, path))
		require.Equal(t, gone != "child", child.Fired(), "without %s", gone)
		require.False(t, data.Fired() || exists.Fired(), "without %s", gone)
		_, err = writer.Set(ctx, path, nil, zk.AnyVersion)
		require.NoError(t, err)
		require.NoError(t, c.Sync(ctx, path))
		require.Equal(t, gone != "data", data.Fired(), "without %s", gone)
		require.Equal(t, gone != "exists", exists.Fired(), "without %s", gone)
		if gone != "persistent" {
			require.Equal(t, []string{"children changed " + path, "data changed " + path}, pending(flat), "without %s", gone)
		}
		if gone != "recursive" {
			require.Equal(t, []string{"created " + path + "/c", "data changed " + path}, pending(deep), "without %s", gone)
		}
		for _, f := range stop {
			f()
		}
	}
	require.NoError(t, c.Sync(ctx, "/"))
	require.Zero(t, watchesOn(t, e))

	p := c.Pipeline()
	const n = 3_000
	for i := range n {
		w, err := p.ExistsW(ctx, "/never/"+strconv.Itoa(i%100)).Wait(ctx)
		require.NoError(t, err)
		if i == n/2 {
			require.NotZero(t, watchesOn(t, e))
		}
		w.Watch.Stop()
	}
	require.NoError(t, c.Sync(ctx, "/"))
	require.Zero(t, watchesOn(t, e))
	require.Equal(t, 1, e.Clients(0).Accepted(), "no removal has cost the connection")
}

// failures: 7, 115, 117: the data of a server is wiped: one expiry is reported and the
// next session opened, without a restart; and clients that come and go leave no
// connection, session or node.
func TestCore_WipedServerIsAnExpiryAndClosedClientsLeaveNothing(t *testing.T) {
	data := t.TempDir()
	e := ensemble.Run(t, ensemble.Options{Extra: []string{"dataDir=" + data}})
	c := connect(t, e.Servers(), func(cfg *zk.Config) { cfg.SessionTimeout = time.Second })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 100 {
		_, err := c.Create(ctx, "/n-", nil, zk.PersistentSequential)
		require.NoError(t, err)
	}
	old := c.Session()
	require.NoError(t, e.Kill(0))
	wipe(t, data)
	require.NoError(t, e.Start(ctx, 0))
	<-old.Context().Done()
	require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
	require.NoError(t, c.Sync(ctx, "/"))
	require.NotEqual(t, old.ID(), c.Session().ID())
	names, _, err := c.Children(ctx, "/")
	require.NoError(t, err)
	require.Equal(t, []string{"zookeeper"}, names)

	for range 200 {
		one := connect(t, e.Servers())
		_, err := one.Create(ctx, "/e-", nil, zk.EphemeralSequential)
		require.NoError(t, err)
		require.NoError(t, one.Close(ctx))
	}
	names, _, err = c.Children(ctx, "/")
	require.NoError(t, err)
	require.Equal(t, []string{"zookeeper"}, names, "gone when Close has returned")
	text, err := e.FourLetter(ctx, 0, "dump")
	require.NoError(t, err)
	require.Contains(t, text, "Session Sets")
	require.Equal(t, 1, len(regexp.MustCompile(`(?m)^\s*0x[0-9a-f]+\s*$`).FindAllString(text, -1)), text)
	cons, err := e.FourLetter(ctx, 0, "cons")
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(cons, "sid="), cons)
}
