package contend

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zk"
)

// Kind is which recipe a contender belongs to.
type Kind uint8

// The kinds of contenders.
const (
	Lock  Kind = iota // `lock-`, and kazoo's `__lock__`
	Latch             // `latch-`: leader election in the manner of Curator's LeaderLatch
	Write             // `__WRIT__`, and kazoo's `__lock__`: waits for everybody
	Read              // `__READ__`, and kazoo's `__rlock__`: waits for writers
)

// family is a form of names, and so the libraries that write and read it.
type family uint8

const (
	curatorLock  family = iota // Curator, zookeeper-client-rust: `_c_<uuid>-lock-`, also without the mark
	goLock                     // go-zookeeper/zk: `_c_<32 hex>-lock-`; reads kazoo's too
	curatorLatch               // `_c_<uuid>-latch-`
	curatorRead                // `__READ__`: sees only itself and `__WRIT__`
	curatorWrite               // `__WRIT__`: the same
	kazooLock                  // `<hex>__lock__`: a plain lock's or a writer's
	kazooRead                  // `<hex>__rlock__`: waits for `__lock__`
	javaLock                   // `x-<session>-<seq>`: ZooKeeper's own WriteLock, sees only its own
	bareNumber                 // `<seq>`: Vitess and other programs with a lock of their own; sorted before every name that has a mark
)

// dialect is a form of names that this package writes.
type dialect struct {
	prefix func(guid string) string
	own    family
	peers  []family // families that may be in our queue, because they see our names
	waits  []family // families that we wait for; nil: all of them
}

func dialectOf(d recipes.Dialect, k Kind) dialect {
	switch {
	case d == recipes.Kazoo && k == Read:
		return dialect{
			prefix: func(guid string) string { return strings.ReplaceAll(guid, "-", "") + "__rlock__" },
			own:    kazooRead,
			peers:  []family{kazooLock, kazooRead, goLock},
			waits:  []family{kazooLock, goLock},
		}
	case d == recipes.Kazoo: // a plain lock is a writer
		return dialect{
			prefix: func(guid string) string { return strings.ReplaceAll(guid, "-", "") + "__lock__" },
			own:    kazooLock,
			peers:  []family{kazooLock, kazooRead, goLock},
		}
	case k == Latch:
		return dialect{
			prefix: func(guid string) string { return "_c_" + guid + "-latch-" },
			own:    curatorLatch,
			peers:  []family{curatorLatch},
		}
	case k == Write:
		return dialect{
			prefix: func(guid string) string { return "_c_" + guid + "-__WRIT__" },
			own:    curatorWrite,
			peers:  []family{curatorRead, curatorWrite},
		}
	case k == Read:
		return dialect{
			prefix: func(guid string) string { return "_c_" + guid + "-__READ__" },
			own:    curatorRead,
			peers:  []family{curatorRead, curatorWrite},
			waits:  []family{curatorWrite},
		}
	}
	return dialect{
		prefix: func(guid string) string { return "_c_" + guid + "-lock-" },
		own:    curatorLock,
		peers:  []family{curatorLock, goLock},
	}
}

// blocks reports whether we wait for a contender that is before us.
func (d dialect) blocks(e entry) bool { return d.waits == nil || slices.Contains(d.waits, e.fam) }

// shared reports whether the contender can hold together with others of its
// kind.
func (e entry) shared() bool { return e.fam == curatorRead || e.fam == kazooRead }

// plain reports whether nothing replaces the contender when its node is deleted. A
// writer can downgrade: its node is replaced by a reader's with the same sequence
// number. A `__lock__` of kazoo's may be a writer's node.
func (e entry) plain() bool {
	return e.fam == curatorLock || e.fam == goLock || e.fam == curatorLatch
}

// mark is the part of a name by which the node with that GUID is found again.
func (d dialect) mark(guid string) string {
	if d.own == kazooLock || d.own == kazooRead {
		return strings.ReplaceAll(guid, "-", "")
	}
	return guid
}

// queueOf returns the contenders among names, in their order. A contender that
// cannot see our node is an error. Even if we waited for it, it would not wait for
// us, and two could hold at once.
func (d dialect) queueOf(dir string, names []string) ([]entry, error) {
	out := make([]entry, 0, len(names))
	for _, name := range names {
		e, ok := parse(name)
		if !ok {
			continue
		}
		if !slices.Contains(d.peers, e.fam) {
			return nil, &ForeignError{Path: zk.Join(dir, name)}
		}
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.seq, b.seq), strings.Compare(a.name, b.name))
	})
	return out, nil
}
