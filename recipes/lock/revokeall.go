package lock

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"sync"

	"github.com/zookit/zookit/internal/label"
	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// leaseName matches the leases of Curator, kazoo and this package. Other children of
// the directory of leases count as leases too, but Revoke leaves their data alone.
var leaseName = regexp.MustCompile(`^(_c_[0-9a-fA-F-]{36}-lease-\d{10}|[0-9a-f]{32})$`)

// Revoke asks all holders of permits to release; see Lock.Revoke. A holder sees the
// request by Permits.Revoked, once for all permits of an Acquire. Holders of Curator
// and kazoo do not see it. To ask one holder alone, set the data of one of its nodes
// to the text __REVOKE__.
func (s *Semaphore) Revoke(ctx context.Context) error {
	if err := s.usable(ctx, "revoke"); err != nil {
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
// release, by the node of any of the permits; see Held.Revoked.
func (p *Permits) Revoked() <-chan struct{} { return p.g.Revoked() }

// Revoke asks the holders of all the locks to release; see Lock.Revoke. It returns
// ErrNoHolder if none of the locks is held. If one holder cannot be asked, Revoke
// still asks the others.
func (m *Multi) Revoke(ctx context.Context) error {
	if slices.Contains(m.locks, nil) {
		return wrap("", refused.AtOnce("revoke", "", errNilLock))
	}
	var errs []error
	doubt := pace.Doubt{Call: "revoke"}
	held := false
	for _, l := range m.locks {
		err := l.Revoke(ctx)
		doubt.Note(err)
		switch {
		case err == nil:
			held = true
		case !errors.Is(err, ErrNoHolder):
			errs = append(errs, err)
		}
	}
	if !held && len(errs) == 0 {
		return wrap("", ErrNoHolder)
	}
	return doubt.Of(oneline.Join(errs...))
}

// asked has a channel that is closed when one of several holds was asked to release.
// The watcher goroutines start at the first call of Revoked.
type asked struct {
	once    sync.Once
	c       chan struct{}
	watcher sync.WaitGroup // ends with the holds
}

// Revoked returns a channel that is closed when somebody has asked for the release
// of one of the locks; see Held.Revoked.
func (h *MultiHeld) Revoked() <-chan struct{} {
	h.asked.once.Do(func() {
		h.asked.c = make(chan struct{})
		var close1 sync.Once
		for _, part := range h.parts {
			h.asked.watcher.Go(func() {
				label.Of("lock", zk.Parent(part.Path())).Set()
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
