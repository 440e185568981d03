package lock

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// leaseName is what Curator, kazoo and this package call a lease. Other children
// of the directory of leases count too, but their data is not ours to replace.
var leaseName = regexp.MustCompile(`^(_c_[0-9a-fA-F-]{36}-lease-\d{10}|[0-9a-f]{32})$`)

// Revoke asks all who hold permits to let go; see Lock.Revoke. A holder sees it by
// Permits.Revoked, once for all permits of an Acquire. Those of Curator and kazoo
// do not look. To ask one holder alone, replace the data of one of its nodes.
func (s *Semaphore) Revoke(ctx context.Context) error {
	if err := s.usable("revoke"); err != nil {
		return err
	}
	names, _, err := s.c.Children(ctx, s.leases)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return s.wrap(err)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !leaseName.MatchString(name) })
	holders := contend.New(s.c, s.leases, contend.Lock, s.cfg.Dialect, nil, nil)
	asked, err := holders.RevokeAll(ctx, names)
	if err == nil && asked == 0 {
		err = ErrNoHolder
	}
	if err != nil {
		return s.wrap(contend.Because(ctx, err))
	}
	return nil
}

// Revoked returns a channel that is closed when somebody has asked the holder to
// let go, by the node of any of the permits; see Held.Revoked.
func (p *Permits) Revoked() <-chan struct{} { return p.g.Revoked() }

// Revoke asks all who hold one of the locks to let go; see Lock.Revoke. It returns
// ErrNoHolder if none of the locks is held. All are asked, also when one cannot be.
func (m *Multi) Revoke(ctx context.Context) error {
	if slices.Contains(m.locks, nil) {
		return fmt.Errorf("lock: %w", refused.AtOnce("revoke", "", errNilLock))
	}
	var errs []error
	held := false
	for _, l := range m.locks {
		switch err := l.Revoke(ctx); {
		case err == nil:
			held = true
		case !errors.Is(err, ErrNoHolder):
			errs = append(errs, err)
		}
	}
	if !held && len(errs) == 0 {
		return fmt.Errorf("lock: %w", ErrNoHolder)
	}
	return errors.Join(errs...)
}

// asked is closed when one of several holds was asked to let go. Nothing runs for
// it before somebody wants to know.
type asked struct {
	once    sync.Once
	c       chan struct{}
	watcher sync.WaitGroup // ends with the holds
}

// Revoked returns a channel that is closed when somebody has asked the holder of
// one of the locks to let go; see Held.Revoked.
func (h *MultiHeld) Revoked() <-chan struct{} {
	h.asked.once.Do(func() {
		h.asked.c = make(chan struct{})
		var close1 sync.Once
		for _, part := range h.parts {
			h.asked.watcher.Go(func() {
				select {
				case <-part.Revoked():
					close1.Do(func() { close(h.asked.c) })
				case <-h.ctx.Done():
				}
			})
		}
	})
	return h.asked.c
}
