package docs_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// docs:begin sweeper

// sweeper deletes old orders, in one process at a time.
type sweeper struct {
	lock  *lock.Lock
	sweep func(ctx context.Context, token int64) error // one pass
}

// run sweeps whenever it holds the lock, until ctx ends or a pass fails.
func (s *sweeper) run(ctx context.Context) error {
	for {
		err := s.lock.Do(ctx, func(ctx context.Context, held *lock.Held) error {
			for ctx.Err() == nil { // ends with the lock, and with the context of run
				if err := s.sweep(ctx, held.Token()); err != nil {
					return err
				}
			}
			return nil
		})
		if !errors.Is(err, lock.ErrLost) {
			return err
		}
		// The lock was lost: contend for it again.
	}
}

// docs:end sweeper

// docs:begin first-test

func TestStore_KeepsANote(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{}) // ends with the test
	client := srv.Client(t)                 // so does its client

	_, err := client.Create(t.Context(), "/note", []byte("hello"), zk.Persistent)
	require.NoError(t, err)
	data, exists := srv.Get("/note") // what the server has, without a client
	require.True(t, exists)
	require.Equal(t, "hello", string(data))
}

// docs:end first-test

// docs:begin virtual

func TestClient_GivesUpASessionInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // 8 s pass in some milliseconds
		srv := zktest.Start(t, zktest.Config{})
		client := srv.Client(t) // its session timeout is 6 s
		session := client.Session()
		time.Sleep(1234 * time.Millisecond)

		srv.Silence(0, true) // the network loses every packet from here on
		start := time.Now()
		<-session.Context().Done()
		require.ErrorIs(t, context.Cause(session.Context()), zk.ErrSessionExpired)
		require.LessOrEqual(t, time.Since(start), 8*time.Second) // 4/3 of the timeout

		srv.Silence(0, false) // before the test ends: the client wants to say good-bye
	})
}

// docs:end virtual

// docs:begin lost-reply

func TestStore_LostReplyIsNotAFailure(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	client := srv.Client(t)
	srv.OnRequest(func(q zktest.Request) zktest.Verdict {
		if q.Op == "create" && q.Path == "/note" {
			return zktest.DropReplyAndCut // the server runs it, and nobody hears of it
		}
		return zktest.Pass
	})
	_, err := client.Create(t.Context(), "/note", nil, zk.Persistent)
	require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
	require.True(t, srv.Exists("/note"))
}

// docs:end lost-reply

// docs:begin passes

// pass is one call of sweep.
type pass struct {
	token        int64
	began, ended time.Time
}

// passes counts the passes of one sweeper. Each takes 70 ms, or ends with its context.
type passes struct {
	mu  sync.Mutex
	all []pass
}

func (p *passes) sweep(ctx context.Context, token int64) error {
	one := pass{token: token, began: time.Now()}
	select {
	case <-ctx.Done():
	case <-time.After(70 * time.Millisecond):
	}
	one.ended = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, one)
	return nil
}

func (p *passes) list() []pass {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]pass(nil), p.all...)
}

// docs:end passes

// docs:begin cut-off

func TestSweeper_StopsBeforeTheNextOneBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{Servers: 2})
		// Each client knows one server, so that a fault of that server is a fault of the
		// network of that client alone.
		at := func(server string) func(*zk.Config) {
			return func(cfg *zk.Config) { cfg.Servers = server }
		}
		first, second := srv.Client(t, at("zk1:2181")), srv.Client(t, at("zk2:2181"))
		timeout := first.Session().Timeout()

		var ofFirst, ofSecond passes
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		start := func(client *zk.Client, p *passes) {
			s := &sweeper{lock: lock.New(client, "/sweeper", lock.Config{}), sweep: p.sweep}
			running.Go(func() { _ = s.run(ctx) })
			time.Sleep(1234 * time.Millisecond)
		}
		start(first, &ofFirst)
		start(second, &ofSecond)
		require.NotEmpty(t, ofFirst.list(), "the first sweeps")
		require.Empty(t, ofSecond.list(), "the second waits")

		srv.Silence(1, true) // the first is cut off, in the middle of a pass
		cut := time.Now()
		time.Sleep(3 * timeout)
		before, after := ofFirst.list(), ofSecond.list()
		last := before[len(before)-1]
		require.Less(t, last.ended.Sub(cut), timeout, "the first has noticed by its own clock")
		require.NotEmpty(t, after, "the second sweeps")
		require.True(t, last.ended.Before(after[0].began), "and not before the first has stopped")
		require.Greater(t, after[0].token, last.token, "a store can tell the two apart")

		srv.Silence(1, false) // the first contends again, behind the second
		time.Sleep(timeout)
		require.Len(t, ofFirst.list(), len(before))
		stop()
		running.Wait()
	})
}

// docs:end cut-off

// docs:begin expired

func TestSweeper_GoesOnAfterAnExpiredSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		client := srv.Client(t)
		var p passes
		s := &sweeper{lock: lock.New(client, "/sweeper", lock.Config{}), sweep: p.sweep}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.run(ctx) }()
		time.Sleep(1234 * time.Millisecond)
		before := p.list()

		require.NoError(t, srv.ExpireSession(client.Session().ID()))
		time.Sleep(10 * time.Second)
		after := p.list()
		require.Greater(t, after[len(after)-1].token, before[0].token, "it holds the lock again")

		stop()
		require.NoError(t, <-ended)
		require.Empty(t, srv.Children("/sweeper"), "nothing is left behind")
	})
}

// docs:end expired
