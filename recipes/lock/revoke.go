package lock

import (
	"context"
	"errors"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
)

// ErrNoHolder says that Revoke found no holder to ask.
var ErrNoHolder = errors.New("no holder")

// Revoke asks the holder to release, or all readers if several hold the lock. It
// does not wait for the release. A holder sees the request by Held.Revoked, and may
// ignore it. Revoke uses Curator's protocol, so that revocable holders of Curator see
// the request too.
//
// It asks only those who hold the lock at one moment. If the reply to a request is
// lost and the holder is gone when Revoke asks again, Revoke returns nil: the holder
// may have released because of the request, and the next one is not asked.
//
// It returns ErrNoHolder if nobody holds the lock. An error with OutcomeUnknown
// says that a holder may have been asked. To ask again does no harm. If one of
// several readers cannot be asked, Revoke still asks the others.
func (l *Lock) Revoke(ctx context.Context) error {
	if err := l.usable(ctx, "revoke"); err != nil {
		return err
	}
	var again pace.Retries
	for {
		names, err := l.queue.Names(ctx)
		if err != nil {
			return wrap(l.dir, err)
		}
		holders := 0
		for holders < len(names) && (holders == 0 || contend.IsShared(names[holders-1]) && contend.IsShared(names[holders])) {
			holders++
		}
		if holders == 0 {
			return wrap(l.dir, ErrNoHolder)
		}
		asked, err := l.queue.RevokeAll(ctx, names[:holders])
		if err != nil {
			return wrap(l.dir, contend.Because(ctx, err))
		}
		if asked > 0 {
			return nil
		}
		// All holders had gone before they were asked. Others may hold the lock now.
		if err := again.Soon(ctx, context.Background()); err != nil {
			return wrap(l.dir, err)
		}
	}
}

// Revoked returns a channel that is closed when somebody has asked the holder to
// release, even while it still waited. Nothing else happens: the holder decides
// whether it stops and calls Release. The request replaces the node's data, so
// Config.Data is not seen after it.
func (h *Held) Revoked() <-chan struct{} { return h.g.Revoked() }
