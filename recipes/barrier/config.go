package barrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/zookit/zookit/internal/ctxerr"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/journal"
	"github.com/zookit/zookit/recipes/internal/sentinel"
	"github.com/zookit/zookit/zk"
)

// Errors. ErrLeft and ErrDeleted are causes of Entry.Context, beside
// zk.ErrSessionExpired, zk.ErrLeaseLapsed and zk.ErrClosed.
var (
	// ErrLeft: Leave was called. It wraps recipes.ErrReleased.
	ErrLeft = sentinel.In("left the barrier", recipes.ErrReleased)
	// ErrDeleted: somebody deleted the member's node. It can also be the cause
	// when the session ends, if the server tells of the node first.
	ErrDeleted = recipes.ErrDeleted
	// ErrParties is what errors.Is finds in a PartiesError.
	ErrParties = errors.New("bad number of parties")
	// ErrTooMany: as many members as there are parties were there before this one.
	ErrTooMany = errors.New("more members than parties")
	// ErrLost: the entry had ended before Leave was called. It wraps
	// recipes.ErrLost.
	ErrLost = sentinel.In("was no longer in the barrier", recipes.ErrLost)
	// ErrRaised: the gate is closed already, by a node that opens it at another
	// time than the wanted one would.
	ErrRaised = errors.New("closed by another node")
)

// Config says how a gate's node looks and when it goes. Every zero value is a good
// default.
type Config struct {
	Data []byte   // what the node holds, for whoever looks
	ACL  []zk.ACL // of the node and of parents that are missing: all who wait need READ; default open to everybody
	// Ephemeral makes the node one of the session of the client that raises it: the
	// gate opens when that ends.
	Ephemeral bool
	// Logger gets a line when the gate was closed or opened by us (at Debug), when a
	// Wait has lasted for a second (at Info), and when it is over (at Debug).
	// Default: discard.
	Logger *slog.Logger
}

// DoubleConfig says how the nodes of a double barrier look. Every zero value is a
// good default.
type DoubleConfig struct {
	Data []byte   // what a member's node holds, for whoever looks
	ACL  []zk.ACL // of the nodes and of parents that are missing: all parties need READ; default open to everybody
	// Logger gets a line when an Enter has waited for a second (at Info), when the
	// party was let in and when it has left (at Debug), and when its place was lost,
	// with the reason (at Warn). Default: discard.
	Logger *slog.Logger
}

// options returns the options of a node.
func options(acl []zk.ACL, opts ...zk.CreateOption) []zk.CreateOption {
	if len(acl) > 0 {
		opts = append(opts, zk.WithACL(acl...))
	}
	return opts
}

// journalOf returns what logs for a barrier.
func journalOf(logger *slog.Logger, dir string) journal.Journal {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return journal.Journal{
		Logger: logger, Recipe: "barrier", Dir: dir, Words: journal.Words{Granted: "entered", Released: "left"},
	}
}

// giveUp returns the error of a request that is not repeated any more, with the end
// of ctx if that is why.
func giveUp(ctx context.Context, err error) error {
	if end := ctxerr.Of(ctx); end != nil && !errors.Is(err, end) {
		return fmt.Errorf("%w: %w", end, err)
	}
	return err
}

// openEnded reports whether err says nothing of what became of a request, so
// that whoever has time left asks the server again.
func openEnded(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, zk.ErrClosed)
}
