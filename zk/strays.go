package zk

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// strayGrace is how long bounded waits for f after ctx has ended. Code that heeds
// its context returns in that time, and its own error says more.
const strayGrace = 50 * time.Millisecond

// strays are the goroutines of attempts that went on after their context had
// ended: see bounded. mu is a leaf: nothing else is locked, and nothing blocks,
// while it is held.
type strays struct {
	mu    sync.Mutex
	ended map[string]<-chan struct{} // by key: closed when the stray has ended
}

// goesOn is the error of an attempt that does not end with its context.
const goesOn = "Config.DialContext, LookupHost, Resolve, an Authenticator or a connection goes on after its context has ended"

// bounded runs f, which calls the user's code: Config.DialContext and the
// connections that it makes, an Authenticator, Config.LookupHost or Config.Resolve. It
// returns soon after ctx has ended, even if f does not.
//
// The goroutine of f is then a stray: it is not joined. It ends when f returns,
// and passes a late result to drop. Until then, another call for the same key
// waits and does not run its f. So a key never has more than one stray.
func bounded[R any](ctx context.Context, s *strays, key string, f func(context.Context) (R, error), drop func(R)) (none R, _ error) {
	if err := s.await(ctx, key); err != nil {
		return none, err
	}
	type result struct {
		r   R
		err error
	}
	results, ended, given := make(chan result), make(chan struct{}), make(chan struct{})
	go func() { // bounded receives its result, or it is a stray
		defer close(ended)
		r, err := f(ctx)
		select {
		case results <- result{r, err}:
		case <-given:
			if err == nil {
				drop(r)
			}
		}
	}()
	select {
	case got := <-results:
		return got.r, got.err
	case <-ctx.Done():
	}
	grace := time.NewTimer(strayGrace)
	defer grace.Stop()
	select {
	case got := <-results:
		return got.r, got.err
	case <-grace.C:
	}
	s.mu.Lock()
	s.ended[key] = ended
	s.mu.Unlock()
	close(given)
	return none, fmt.Errorf("%w: %s", context.Cause(ctx), goesOn)
}

// await waits until the stray of a key has ended, or ctx has.
func (s *strays) await(ctx context.Context, key string) error {
	s.mu.Lock()
	stray := s.ended[key]
	s.mu.Unlock()
	if stray == nil {
		return nil
	}
	select {
	case <-stray:
	case <-ctx.Done():
		return fmt.Errorf("%w: an earlier attempt has not returned: %s", context.Cause(ctx), goesOn)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended[key] == stray {
		delete(s.ended, key)
	}
	return nil
}
