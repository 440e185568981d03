package election_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// watcher is an observer with a client of its own. It keeps what it has seen last, and
// the requests that it has sent.
type watcher struct {
	end func()

	mu       sync.Mutex // guards the fields below
	last     election.Observation
	seen     int
	requests []string
}

func newWatcher(t *testing.T, srv *zktest.Server) *watcher {
	t.Helper()
	w := new(watcher)
	client := connect(t, srv)
	session := client.Session().ID()
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Session == session && r.Op != "ping" {
			w.mu.Lock()
			w.requests = append(w.requests, r.Op)
			w.mu.Unlock()
		}
		return zktest.Pass
	})
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		for o, err := range election.New(client, "/e", election.Config{}).Observe(ctx) {
			if err != nil {
				return
			}
			w.mu.Lock()
			w.last, w.seen = o, w.seen+1
			w.mu.Unlock()
		}
	})
	w.end = func() { cancel(); done.Wait() }
	synctest.Wait()
	return w
}

// next returns the watcher's latest observation, and the requests since the last call.
func (w *watcher) next() (election.Observation, []string) {
	time.Sleep(time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := w.requests
	w.requests = nil
	return w.last, requests
}

// Candidates that join or leave behind the leader cost an observer no request. A new
// leader costs two reads, and so does a proclamation.
func TestObserve_CostsNothingWhileTheLeaderStays(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		w := newWatcher(t, srv)
		o, _ := w.next()
		require.Equal(t, election.Vacant, o.State)
		c := newCrew(t, srv)
		c.join("a", 0)
		_, a := c.leader()
		o, _ = w.next()
		require.Equal(t, a.Path(), o.Leader.Path)

		for i := range 20 {
			c.join(fmt.Sprint("n", i), 0)
		}
		list, err := election.New(c.clients["a"], "/e", election.Config{}).Candidates(t.Context())
		require.NoError(t, err)
		require.NoError(t, srv.Delete(list[7].Path))
		o, requests := w.next()
		require.Equal(t, a.Path(), o.Leader.Path)
		require.Empty(t, requests, "20 have joined, and one has queued again: %d requests", len(requests))

		require.NoError(t, a.Proclaim(t.Context(), []byte("here")))
		o, requests = w.next()
		require.Equal(t, "here", string(o.Leader.Data))
		require.LessOrEqual(t, len(requests), 2, "a proclamation: %v", requests)

		require.NoError(t, a.Resign(t.Context()))
		_, l := c.leader()
		o, requests = w.next()
		require.Equal(t, l.Path(), o.Leader.Path)
		require.Equal(t, l.Token(), o.Leader.Token)
		require.LessOrEqual(t, len(requests), 2, "a new leader: %v", requests)
		c.end()
		c.runs.Wait()
		o, _ = w.next()
		require.Equal(t, election.Vacant, o.State)
		w.end()
		time.Sleep(time.Second)
	})
}
