package barrier

import (
	"fmt"

	"github.com/zookit/zookit/zk"
)

// PartiesError: a double barrier of so many parties can let nobody in. All parties
// of a round are let in by one transaction, which names the node of each, and
// whose size zk.Config.MaxRequestSize bounds, as jute.maxbuffer does on the server.
// A shorter directory or less data in it makes room for more.
type PartiesError struct {
	Dir            string
	Parties, Limit int
	MaxRequestSize int // of the client
}

// Error names both numbers and where the limit comes from; the directory is named
// by what wraps it.
func (e *PartiesError) Error() string {
	if e.Parties < 1 {
		return fmt.Sprintf("%d parties: there must be at least one", e.Parties)
	}
	return fmt.Sprintf("%d parties are more than %d, the most that one transaction of %d bytes (MaxRequestSize) can let in",
		e.Parties, e.Limit, e.MaxRequestSize)
}

// Is makes it ErrParties.
func (e *PartiesError) Is(target error) bool { return target == ErrParties }

// Unwrap returns zk.ErrTooLarge for too many parties, zk.ErrBadArguments for none.
func (e *PartiesError) Unwrap() error {
	if e.Parties < 1 {
		return zk.ErrBadArguments
	}
	return zk.ErrTooLarge
}

// possible returns a PartiesError if no round can be opened while the directory
// holds data.
func (d *Double) possible(data []byte) error {
	v := view{dir: zk.Node{Data: data}}
	name := zk.NewGUID() // all are as long as this one
	one, limit := d.c.MultiSize(d.opening(v, []string{name})...)
	two, _ := d.c.MultiSize(d.opening(v, []string{name, name})...)
	most := 0
	if one <= limit {
		most = 1 + (limit-one)/(two-one)
	}
	if d.parties >= 1 && d.parties <= most {
		return nil
	}
	return &PartiesError{Dir: d.dir, Parties: d.parties, Limit: most, MaxRequestSize: limit}
}

// opening is the transaction that opens a round of the members of these names.
func (d *Double) opening(v view, names []string) []zk.Op {
	ops := make([]zk.Op, 0, len(names)+2)
	ops = append(ops, d.set(v))
	for _, name := range names {
		ops = append(ops, zk.CheckOp(zk.Join(d.dir, name), zk.AnyVersion))
	}
	return append(ops, zk.CreateOp(zk.Join(d.dir, readyName), encodeRound(names), zk.Persistent, options(d.cfg.ACL)...))
}
