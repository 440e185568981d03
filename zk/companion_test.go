package zk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// companion notes what the client does with it.
type companion struct {
	ctx    context.Context
	finish func() error // nil: Finish returns nil at once

	mu    sync.Mutex
	steps []string
}

func (p *companion) note(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps = append(p.steps, step)
}

func (p *companion) noted() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.steps...)
}

func (p *companion) Closing() { p.note("closing") }

func (p *companion) Finish() error {
	p.note("finish")
	if p.finish == nil {
		return nil
	}
	return p.finish()
}

type companionKey int

// accompany returns the companion of c for key.
func accompany(c *zk.Client, key companionKey, finish func() error) *companion {
	return c.Companion(key, func(ctx context.Context) zk.Companion {
		return &companion{ctx: ctx, finish: finish}
	}).(*companion)
}

// Each client has one companion for a key, also if many goroutines ask at once.
func TestCompanion_IsOneForAKeyAndAClient(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c, other := connect(t, srv), connect(t, srv)
		const callers = 50
		got := make([]*companion, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() { got[i] = accompany(c, 1, nil) })
		}
		wg.Wait()
		for _, one := range got {
			require.Same(t, got[0], one)
		}
		require.NotSame(t, got[0], accompany(c, 2, nil))
		require.NotSame(t, got[0], accompany(other, 1, nil))
		require.Empty(t, got[0].noted())
		require.NoError(t, got[0].ctx.Err())
	})
}

// Closing comes with the call of Close, although the server does not answer. Finish
// comes when the session has ended. Close waits for it, and returns the errors of all
// companions. The context ends after that.
func TestCompanion_CloseJoinsItAndNamesItsErrors(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv)
		s := c.Session()
		var p *companion
		p = accompany(c, 1, func() error {
			require.True(t, s.Gone(), "the server has closed the session")
			require.NoError(t, p.ctx.Err())
			time.Sleep(time.Second)
			return fmt.Errorf("one thing: %w", zk.ErrUnconfirmed)
		})
		accompany(c, 2, func() error { return fmt.Errorf("another thing: %w", zk.ErrUnconfirmed) })
		accompany(c, 3, nil)
		srv.SilenceReplies(1, true)
		closed := make(chan error, 1)
		start := time.Now()
		go func() { closed <- c.Close(inTime(t)) }()
		synctest.Wait()
		require.Equal(t, []string{"closing"}, p.noted())
		srv.SilenceReplies(1, false)
		err := <-closed
		require.Equal(t, time.Second, time.Since(start), "Close waits for Finish")
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorContains(t, err, "one thing")
		require.ErrorContains(t, err, "another thing")
		require.Equal(t, []string{"closing", "finish"}, p.noted())
		require.Error(t, p.ctx.Err())
		require.Equal(t, err, c.Close(inTime(t)), "both methods are called once")
		require.Equal(t, []string{"closing", "finish"}, p.noted())
	})
}

// When Close stops waiting, the context of the companion ends, so that its work ends
// too.
func TestCompanion_ContextEndsWhenCloseStopsWaiting(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv)
		var p *companion
		p = accompany(c, 1, func() error { <-p.ctx.Done(); return errors.New("ended by its context") })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start := time.Now()
		require.ErrorContains(t, c.Close(ctx), "ended by its context")
		require.Equal(t, 3*time.Second, time.Since(start))

		c = clienttest.Open(t, srv)
		goOn := make(chan struct{})
		accompany(c, 1, func() error { <-goOn; return nil })
		err := closesIn(t, c)
		require.ErrorIs(t, err, zk.ErrUnconfirmed)
		require.ErrorContains(t, err, "Companion")
		close(goOn)
	})
}

// A companion that is made while the client is closing begins nothing, and still has
// its say in the error of Close. One that is made later begins nothing either.
func TestCompanion_MadeWhileTheClientIsClosing(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv)
		srv.SilenceReplies(1, true)
		closed := make(chan error, 1)
		go func() { closed <- c.Close(inTime(t)) }()
		synctest.Wait()
		p := accompany(c, 1, func() error { return fmt.Errorf("a late thing: %w", zk.ErrUnconfirmed) })
		require.Equal(t, []string{"closing"}, p.noted())
		srv.SilenceReplies(1, false)
		require.ErrorContains(t, <-closed, "a late thing")
		require.Equal(t, []string{"closing", "finish"}, p.noted())

		late := accompany(c, 2, nil)
		require.Equal(t, []string{"closing"}, late.noted())
		require.Error(t, late.ctx.Err())
		require.Same(t, p, accompany(c, 1, nil))
	})
}

// A companion that is made while Close waits for the Finish of another one still has
// its say in the error of Close.
func TestCompanion_MadeWhileAnotherOneFinishes(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Open(t, srv)
		var late *companion
		accompany(c, 1, func() error {
			late = accompany(c, 2, func() error { return fmt.Errorf("a late thing: %w", zk.ErrUnconfirmed) })
			return nil
		})
		require.ErrorContains(t, c.Close(inTime(t)), "a late thing")
		require.Equal(t, []string{"closing", "finish"}, late.noted())
	})
}

// Config returns the defaults, and no credentials.
func TestConfig_OfAClientHasDefaultsAndNoCredentials(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv, func(cfg *zk.Config) {
			cfg.Auth = []zk.Authenticator{zk.Auth{Scheme: "digest", Data: []byte("bob:secret")}}
			cfg.Hooks = []zk.Hook{onCall(func(zk.CallEnded) {})}
		})
		cfg := c.Config()
		require.Equal(t, 1024, cfg.MaxInFlight)
		require.Equal(t, 6*time.Second, cfg.SessionTimeout)
		require.NotNil(t, cfg.Logger)
		require.NotNil(t, cfg.BackOff())
		require.Nil(t, cfg.Auth)
		require.Nil(t, cfg.TLS)
		require.Len(t, cfg.Hooks, 1)
	})
}
