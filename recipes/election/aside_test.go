package election_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Three candidates hand over by name, over and over. Each time the named candidate
// leads next, although the third one has stood aside very often by then.
func TestHandOver_ByNameNeverWearsOut(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c"} {
			c.join(id, 0)
		}
		for i, to := range strings.Split(strings.Repeat("ca", 20), "") {
			_, l := c.leader()
			require.NoError(t, l.HandOver(t.Context(), to), "hand-over %d", i+1)
			id, _ := c.leader()
			require.Equal(t, to, id, "hand-over %d; terms: %v", i+1, c.terms)
		}
		c.end()
		c.runs.Wait()
	})
}

// Two candidates of a high priority lead in turn, each for three session timeouts. The
// candidate of a low priority stands aside every time.
func TestPriority_LongLeadershipsDoNotWearItOut(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		c.join("a", 9)
		c.join("low", 0)
		c.join("b", 9)
		for i := range 20 {
			_, l := c.leader()
			time.Sleep(18 * time.Second)
			require.NoError(t, l.HandOver(t.Context(), ""))
			id, _ := c.leader()
			require.NotEqual(t, "low", id, "hand-over %d; terms: %v", i+1, c.terms)
		}
		c.end()
		c.runs.Wait()
	})
}

// Candidates of a high priority crash whenever they become leader, and their nodes are
// deleted when their sessions expire. Two of them at a time cannot keep the others from
// leading for ever.
func TestPriority_CrashLoopDoesNotStarveTheRest(t *testing.T) {
	for _, many := range []int{1, 2} {
		inBubble(t, func(t *testing.T, srv *zktest.Server) {
			c := newCrew(t, srv)
			c.join("a", 0)
			c.join("b", 0)
			_, a := c.leader()
			ghosts := 0
			next := func() string {
				ghosts++
				prefix := fmt.Sprintf("/e/_c_01234567-89ab-cdef-0123-%012d-z99-latch-", ghosts)
				node, err := c.clients["a"].Create(t.Context(), prefix, nil, zk.PersistentSequential)
				require.NoError(t, err)
				return node.Path
			}
			var queue []string
			for range many {
				queue = append(queue, next())
			}
			require.NoError(t, a.Resign(t.Context()))
			synctest.Wait() // the work of a has returned
			for start := time.Now(); len(c.leading()) == 0; {
				require.Less(t, time.Since(start), 10*time.Minute, "%d ghosts so far", ghosts)
				// The candidate has become first, and its session expires a timeout later.
				// By then its process has been started again.
				time.Sleep(6 * time.Second)
				queue = append(queue[1:], next(), queue[0])
				last := len(queue) - 1
				require.NoError(t, srv.Delete(queue[last]))
				queue = queue[:last]
				time.Sleep(time.Second)
			}
			require.Greater(t, ghosts, 3, "no candidate had to stand aside")
			for _, path := range queue {
				require.NoError(t, srv.Delete(path))
			}
			c.end()
			c.runs.Wait()
		})
	}
}

// leading returns the IDs of the candidates that lead.
func (c *crew) leading() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for id := range c.now {
		out = append(out, id)
	}
	return out
}

// The named candidate leaves at the moment at which the leader gives up, or while
// another candidate stands aside. HandOver reports that, and not that we still lead.
func TestHandOver_ReportsThatTheNamedCandidateIsNotFirst(t *testing.T) {
	for name, op := range map[string]string{"goes first": "delete", "goes while b stands aside": "multi"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := newCrew(t, srv)
				for _, id := range []string{"a", "b", "c"} {
					c.join(id, 0)
				}
				_, a := c.leader()
				leader := c.clients["a"].Session().ID()
				var once sync.Once
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == op && (r.Session == leader) == (op == "delete") {
						once.Do(func() { c.deleteOf(c.clients["c"].Session().ID()) })
					}
					return zktest.Pass
				})
				err := a.HandOver(t.Context(), "c")
				require.Error(t, err, "it was not c that came next")
				require.NotErrorIs(t, err, election.ErrNoCandidate)
				require.ErrorContains(t, err, `"c"`)
				require.ErrorIs(t, err, election.ErrNotFirst)
				missed, ok := errors.AsType[*election.HandOverError](err)
				require.True(t, ok)
				require.Equal(t, "c", missed.To)
				require.False(t, srv.Exists(missed.Node))
				require.True(t, srv.Exists(missed.First) || op == "multi", missed.First)
				require.ErrorIs(t, context.Cause(a.Context()), election.ErrHandedOver)
				c.leader()
				c.end()
				c.runs.Wait()
			})
		})
	}
}

// HandOver returns nil when the named candidate is first, and not before.
func TestHandOver_ReturnsWhenTheNamedCandidateIsFirst(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		for _, id := range []string{"a", "b", "c", "d"} {
			c.join(id, 0)
		}
		_, a := c.leader()
		time.Sleep(time.Second)
		srv.Delay(1, 20*time.Millisecond)
		require.NoError(t, a.HandOver(t.Context(), "d"))
		names := srv.Children("/e")
		first := names[0]
		for _, name := range names {
			if name[len(name)-10:] < first[len(first)-10:] {
				first = name
			}
		}
		data, _ := srv.Get(zk.Join("/e", first))
		require.Equal(t, "d", string(data))
		c.end()
		c.runs.Wait()
	})
}

// Inside Run a program may pass the context of lead to HandOver. HandOver succeeds
// although it ends that context itself.
func TestHandOver_WithTheContextOfTheTerm(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		c := newCrew(t, srv)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		e := election.New(connect(t, srv), "/e", election.Config{ID: "x"})
		handed := make(chan error, 1)
		go func() {
			_ = e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				for l.HandOver(ctx, "nobody") != nil && ctx.Err() == nil {
					time.Sleep(time.Second)
					if len(srv.Children("/e")) == 3 {
						break
					}
				}
				handed <- l.HandOver(ctx, "b")
				cancel()
				return nil
			})
		}()
		time.Sleep(time.Second)
		c.join("a", 0)
		c.join("b", 0)
		require.NoError(t, <-handed)
		id, _ := c.leader()
		require.Equal(t, "b", id)
		c.end()
		c.runs.Wait()
	})
}

// A candidate ahead of the named one does not stand aside, because its process hangs.
// HandOver waits until its context ends, or for two session timeouts.
func TestHandOver_DoesNotWaitForEver(t *testing.T) {
	for name, limit := range map[string]time.Duration{"no deadline": 0, "deadline": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				c := newCrew(t, srv)
				c.join("a", 0)
				hangs := "/e/_c_01234567-89ab-cdef-0123-456789abcdef-z0-latch-0000000001"
				require.NoError(t, srv.Create(hangs, []byte("b")))
				require.NoError(t, srv.Create("/e/x", nil)) // the server's counter goes on
				require.NoError(t, srv.Delete("/e/x"))
				c.join("c", 0)
				_, a := c.leader()
				ctx, want := t.Context(), 12*time.Second
				if limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, limit)
					defer cancel()
					want = limit
				}
				start := time.Now()
				err := a.HandOver(ctx, "c")
				require.InDelta(t, want.Seconds(), time.Since(start).Seconds(), 0.1)
				require.ErrorIs(t, err, election.ErrNotFirst)
				require.Equal(t, limit > 0, errors.Is(err, context.DeadlineExceeded))
				missed, _ := errors.AsType[*election.HandOverError](err)
				require.Equal(t, hangs, missed.First)
				require.NoError(t, srv.Delete(hangs))
				id, _ := c.leader()
				require.Equal(t, "c", id)
				c.end()
				c.runs.Wait()
			})
		})
	}
}
