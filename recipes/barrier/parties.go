package barrier

import (
	"fmt"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// PartiesError says that a double barrier with that number of parties can never open
// a round. One transaction lets in all parties of a round, and names the node of each.
// Its size is limited by zk.Config.MaxRequestSize, and by jute.maxbuffer on the
// server. A shorter path of the directory, or less data in the directory, makes room
// for more parties.
type PartiesError struct {
	Dir            string
	Parties, Limit int
	MaxRequestSize int // from the client's zk.Config
}

// Error names both numbers and the reason for the limit. The error that wraps it
// names the directory.
func (e *PartiesError) Error() string {
	if e.Parties < 1 {
		return fmt.Sprintf("%d parties: there must be at least one", e.Parties)
	}
	return fmt.Sprintf("%d parties are more than %d, the most that one transaction of %d bytes (MaxRequestSize) can let in",
		e.Parties, e.Limit, e.MaxRequestSize)
}

// Is reports whether target is ErrParties.
func (e *PartiesError) Is(target error) bool { return target == ErrParties }

// Unwrap returns zk.ErrTooLarge for too many parties, and zk.ErrBadArguments for a
// number below 1.
func (e *PartiesError) Unwrap() error {
	if e.Parties < 1 {
		return zk.ErrBadArguments
	}
	return zk.ErrTooLarge
}

// possible returns a PartiesError if no round can be opened while the directory has
// that data.
func (d *Double) possible(data []byte) error {
	v := view{dir: zk.Node{Data: data}}
	name := protect.NewGUID() // only its length matters
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

// opening returns the transaction that opens a round for the members with these names.
func (d *Double) opening(v view, names []string) []zk.Op {
	ops := make([]zk.Op, 0, len(names)+2)
	ops = append(ops, d.set(v))
	for _, name := range names {
		ops = append(ops, zk.CheckOp(zk.Join(d.dir, name), zk.AnyVersion))
	}
	return append(ops, zk.CreateOp(zk.Join(d.dir, readyName), encodeRound(names), zk.Persistent, options(d.cfg.ACL)...))
}
