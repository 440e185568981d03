package barrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/zk"
)

// Errors. ErrLeft and ErrDeleted are causes of Entry.Context, as are
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrLeft: Leave was called. It wraps recipes.ErrReleased.
	ErrLeft = sentinel.In("left the barrier", recipes.ErrReleased)
	// ErrDeleted: somebody deleted the member's node. It can also be the cause when the
	// session ends, if the server reports the delete of the node first.
	ErrDeleted = recipes.ErrDeleted
	// ErrParties is what errors.Is finds in a PartiesError.
	ErrParties = errors.New("bad number of parties")
	// ErrTooMany: enough members for a round had joined before this one.
	ErrTooMany = errors.New("more members than parties")
	// ErrLost: the entry had ended before Leave was called. It wraps
	// recipes.ErrLost.
	ErrLost = sentinel.In("was no longer in the barrier", recipes.ErrLost)
	// ErrRaised: the gate is closed already, by a node of the other kind (ephemeral or
	// not) or of another session. That node opens the gate at another time.
	ErrRaised = errors.New("closed by another node")
)

// Config says how a gate's node looks and how long it stays. Every zero value is a
// good default.
type Config struct {
	Data []byte // the data of the node, for people and programs that look

	// ACL is that of the node, and of parents that are missing. Every process that
	// waits needs READ. The default is open to everybody.
	ACL []zk.ACL

	// Ephemeral binds the node to the session of the client that raises the gate. The
	// gate opens when that session ends.
	Ephemeral bool

	// Logger gets a line
	//
	//   - when we have closed or opened the gate (at Debug);
	//   - when a Wait has lasted for three seconds (at Info), and when it ends (at Debug).
	//
	// Default: that of the client.
	Logger *slog.Logger
}

// DoubleConfig says how the nodes of a double barrier look. Every zero value is a
// good default.
type DoubleConfig struct {
	Data []byte // the data of a member's node, for people and programs that look

	// ACL is that of the nodes, and of parents that are missing. All parties need READ.
	// The default is open to everybody.
	ACL []zk.ACL

	// Logger gets a line
	//
	//   - when an Enter has waited for three seconds (at Info), and when the party was let
	//     in after that;
	//   - when the party was let in, and when it has left (at Debug);
	//   - when the entry was lost, with the reason (at Warn).
	//
	// Default: that of the client.
	Logger *slog.Logger
}

// options returns the create options of a node: opts, and acl if there is one.
func options(acl []zk.ACL, opts ...zk.CreateOption) []zk.CreateOption {
	if len(acl) > 0 {
		opts = append(opts, zk.WithACL(acl...))
	}
	return opts
}

// journalOf returns the journal that logs for a barrier.
func journalOf(c *zk.Client, logger *slog.Logger, dir string) journal.Journal {
	return journal.New(c, logger, "barrier", dir, journal.Words{Granted: lines.Entered, Released: lines.Left})
}

// giveUp returns the error of a request that is not retried any more. It adds the
// cause of ctx if ctx has ended.
func giveUp(ctx context.Context, err error) error {
	if end := ctxerr.Of(ctx); end != nil && !errors.Is(err, end) {
		return fmt.Errorf("%w: %w", end, err)
	}
	return err
}

// openEnded reports whether err leaves open whether a request was done, so that the
// caller may send it again.
func openEnded(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, zk.ErrClosed)
}
