package election_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// observer records what Observe yields.
type observer struct {
	mu   sync.Mutex // guards the fields below
	seen []election.ObservedState
	err  error
	done chan struct{}
}

func observe(ctx context.Context, e *election.Election) *observer {
	o := &observer{done: make(chan struct{})}
	go func() {
		defer close(o.done)
		for now, err := range e.Observe(ctx) {
			o.mu.Lock()
			if o.err = err; err == nil {
				o.seen = append(o.seen, now.State)
			}
			o.mu.Unlock()
		}
	}()
	return o
}

func (o *observer) last() (election.ObservedState, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.seen[len(o.seen)-1], o.err
}

// A server refuses to restore the watches of an observer and of a waiting candidate.
// Both read again.
func TestElection_LostWatchesEndNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		leads, err := election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Campaign(t.Context())
		require.NoError(t, err)
		other := connect(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		o := observe(ctx, election.New(other, "/e", election.Config{}))
		terms := make(chan struct{})
		ended := make(chan error, 1)
		go func() {
			ended <- election.New(other, "/e", election.Config{ID: "b"}).Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				terms <- struct{}{}
				<-ctx.Done()
				return nil
			})
		}()
		time.Sleep(time.Second)
		id := other.Session().ID()
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == id && r.Op == "setWatches" {
				return zktest.Fail(int32(zk.ErrNoAuth))
			}
			return zktest.Pass
		})
		srv.CutConnections(1)
		time.Sleep(time.Second)
		state, err := o.last()
		require.NoError(t, err)
		require.Equal(t, election.Led, state)
		require.Len(t, srv.Children("/e"), 2)
		require.NoError(t, leads.Resign(t.Context()))
		select {
		case <-terms:
		case err := <-ended:
			require.FailNow(t, "Run has ended", "%v", err)
		}
		cancel()
		<-o.done
		<-ended
		srv.OnRequest(nil)
	})
}

// The connection is lost while an observer reads the leader. The observer yields
// Unknown at once, and not only when a server can be reached again.
func TestElection_ObserverSaysThatItIsCutOffWhileItReads(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		leads, err := election.New(connect(t, srv), "/e", election.Config{ID: "a"}).Campaign(t.Context())
		require.NoError(t, err)
		other := connect(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		o := observe(ctx, election.New(other, "/e", election.Config{}))
		time.Sleep(time.Second)
		id := other.Session().ID()
		reading := make(chan struct{})
		var once sync.Once
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == id && r.Op == "children" {
				once.Do(func() { close(reading) })
				return zktest.Hang
			}
			return zktest.Pass
		})
		require.NoError(t, leads.Proclaim(t.Context(), []byte("news")))
		<-reading
		srv.Down(1, true) // not before the reply to Proclaim
		time.Sleep(10 * time.Minute)
		state, err := o.last()
		require.NoError(t, err)
		require.Equal(t, election.Unknown, state, "after ten minutes without a server")
		srv.OnRequest(nil)
		srv.Down(1, false)
		time.Sleep(time.Minute)
		state, err = o.last()
		require.NoError(t, err)
		require.NotEqual(t, election.Unknown, state)
		cancel()
		<-o.done
	})
}
