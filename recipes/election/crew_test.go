package election_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// crew is a set of candidates that call Run until the test ends, each with a client of
// its own. It records which candidate leads.
type crew struct {
	t    *testing.T
	srv  *zktest.Server
	ctx  context.Context
	end  context.CancelFunc
	runs sync.WaitGroup

	// expires says that the test expires sessions. That ends one leadership and begins
	// the next at the same moment, and no lease can end before.
	expires bool

	mu      sync.Mutex
	clients map[string]*zk.Client
	leave   map[string]bool                 // candidates that may be out of the queue; see onceEach
	now     map[string]*election.Leadership // leaderships whose lead runs
	terms   []string                        // the leader of every term, in order
	last    int64                           // the token of the last leader
}

func newCrew(t *testing.T, srv *zktest.Server) *crew {
	ctx, end := context.WithCancel(t.Context())
	c := &crew{
		t: t, srv: srv, ctx: ctx, end: end,
		clients: map[string]*zk.Client{}, leave: map[string]bool{}, now: map[string]*election.Leadership{},
	}
	t.Cleanup(func() { end(); c.runs.Wait() })
	return c
}

// join adds a candidate, and returns when its node is there or it leads.
func (c *crew) join(id string, priority int) {
	client := connect(c.t, c.srv)
	c.mu.Lock()
	c.clients[id] = client
	c.mu.Unlock()
	e := election.New(client, "/e", election.Config{
		ID: id, Priority: priority,
		BackOff: func() backoff.BackOff { return backoff.NewConstantBackOff(100 * time.Millisecond) },
	})
	c.runs.Go(func() { _ = e.Run(c.ctx, c.lead(id)) })
	synctest.Wait()
}

func (c *crew) lead(id string) func(context.Context, *election.Leadership) error {
	return func(ctx context.Context, l *election.Leadership) error {
		c.mu.Lock()
		for other, o := range c.now {
			if !c.expires && o.Context().Err() == nil && l.Context().Err() == nil {
				c.t.Errorf("%s and %s lead", other, id)
			}
		}
		if l.Token() <= c.last {
			c.t.Errorf("token %d after %d", l.Token(), c.last)
		}
		c.last, c.now[id] = l.Token(), l
		c.terms = append(c.terms, id)
		c.mu.Unlock()
		<-ctx.Done()
		c.mu.Lock()
		delete(c.now, id)
		c.mu.Unlock()
		return nil
	}
}

// leader waits until things are quiet, and returns the ID of the leader and its
// leadership.
func (c *crew) leader() (string, *election.Leadership) {
	c.t.Helper()
	time.Sleep(time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	require.Len(c.t, c.now, 1, "terms so far: %v; queue: %v", c.terms, c.srv.Dump())
	for id, l := range c.now {
		return id, l
	}
	return "", nil
}

// order returns the IDs in the queue. It fails the test if one is there twice.
func (c *crew) order() string {
	c.t.Helper()
	list, err := election.New(c.clients["a"], "/e", election.Config{}).Candidates(c.ctx)
	require.NoError(c.t, err)
	out, seen := "", map[string]bool{}
	for _, one := range list {
		require.False(c.t, seen[string(one.Data)], "%s is in the queue twice", one.Data)
		seen[string(one.Data)] = true
		out += string(one.Data)
	}
	return out
}

// onceEach checks the queue at every request from now on. It fails the test if a
// candidate has two nodes, or has none and leaves was not called for it.
//
// The test calls leaves before the node is deleted, and onceEach reads the queue
// before it reads leave. The order matters, because the hook of a heartbeat may run
// while the test does its next step.
func (c *crew) onceEach() {
	c.srv.OnRequest(func(zktest.Request) zktest.Verdict {
		nodes, queue := map[string]int{}, c.srv.Dump() // the queue at one moment
		for _, line := range queue {
			if strings.HasPrefix(line, "/e/") {
				nodes[strings.Trim(line[strings.LastIndexByte(line, ' ')+1:], `"`)]++
			}
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for id := range c.clients {
			if n := nodes[id]; n > 1 || n == 0 && !c.leave[id] {
				c.t.Errorf("%s has %d nodes: %v", id, n, queue)
			}
		}
		return zktest.Pass
	})
}

// leaves records that candidates may be out of the queue from now on.
func (c *crew) leaves(ids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.leave[id] = true
	}
}
