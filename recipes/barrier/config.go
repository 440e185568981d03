package barrier

import (
	"bytes"
	"errors"
	"slices"

	"github.com/zookit/zookit/recipes"
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

// Config says how the nodes look. Every zero value is a good default.
type Config struct {
	Data []byte   // what the node of a gate or a member holds, for whoever looks
	ACL  []zk.ACL // of the nodes and of parents that are missing: all parties need READ; default open to everybody

	// Ephemeral makes the node of a gate one of the session of the client that
	// raises it: the gate opens when that ends. Members always are.
	Ephemeral bool
}

// clone returns a copy that shares nothing with c.
func (c Config) clone() Config {
	c.Data, c.ACL = bytes.Clone(c.Data), slices.Clone(c.ACL)
	return c
}

// create returns the options of a node.
func (c *Config) create(opts ...zk.CreateOption) []zk.CreateOption {
	if len(c.ACL) > 0 {
		opts = append(opts, zk.WithACL(c.ACL...))
	}
	return opts
}

// openEnded reports whether err says nothing of what became of a request, so
// that whoever has time left asks the server again.
func openEnded(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeUnknown && !errors.Is(err, zk.ErrClosed)
}
