package lock

import (
	"context"
	"errors"
	"fmt"

	"github.com/zookit/zookit/recipes/internal/contend"
	"github.com/zookit/zookit/recipes/internal/pace"
)

// ErrNoHolder: there is nobody to ask to let go.
var ErrNoHolder = errors.New("held by nobody")

// Revoke asks whoever holds the lock to let go, all readers if they are several,
// and does not wait for it. It is a request: a holder sees it by Held.Revoked,
// and does what it likes. It goes by Curator's protocol, so that holders of
// Curator's that were made revocable see it as well.
//
// It returns ErrNoHolder if nobody holds the lock. An error with OutcomeUnknown
// says that somebody may have been asked; to ask again does no harm. Of several
// readers all are asked, also when one cannot be.
func (l *Lock) Revoke(ctx context.Context) error {
	if err := l.usable("revoke"); err != nil {
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
			return fmt.Errorf("lock: %s: %w", l.dir, ErrNoHolder)
		}
		asked, err := l.queue.RevokeAll(ctx, names[:holders])
		if err != nil {
			return wrap(l.dir, contend.Because(ctx, err))
		}
		if asked > 0 {
			return nil
		}
		// All have gone since the listing. Others may hold it now.
		if err := again.Soon(ctx, context.Background()); err != nil {
			return wrap(l.dir, err)
		}
	}
}

// Revoked returns a channel that is closed when somebody has asked the holder to
// let go, which may have been while it still waited. Nothing else happens: to
// stop and Release is the holder's business. The request is the node's data, so
// that Config.Data is no longer seen after it.
func (h *Held) Revoked() <-chan struct{} { return h.g.Revoked() }
