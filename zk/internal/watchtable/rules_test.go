package watchtable

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// rule is a row of a table of transitions. The commands are those of desk.
type rule struct {
	name  string
	given string // commands that lead to the state before
	when  string // the input
	out   string // the requests sent, and the watches notified
	then  string // the state after
}

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			d := newDesk(t)
			d.run(r.given)
			d.out = nil
			d.run(r.when)
			require.Equal(t, r.out, strings.Join(d.out, "; "), "what comes out")
			require.Equal(t, r.then, d.state(), "the state after")
		})
	}
}

func TestTable_Registering(t *testing.T) {
	check(t, []rule{
		{"a queued read counts on its path", "", "get a /n", "", "/n for +1"},
		{"a read sets a watch", "get a /n", "write a; answer a", "a: flag 1", "/n data for a"},
		{"an exists on an absent node", "exists a /n", "write a; answer a", "a: flag 1", "/n data for a"},
		{"a list sets a watch on children", "children a /n", "write a; answer a", "a: flag 1", "/n child for a"},
		{"a read that is withdrawn leaves nothing", "get a /n", "drop a", "", ""},
		{"a read that is refused leaves nothing", "get a /n; write a", "drop a", "", ""},
		{"a reply that is too large has set a watch, which is removed", "get a /n; write a", "large a", "remove data /n", ""},
		{"a reply that is too large, beside another watch", "hold get b /n; get a /n; write a", "large a", "", "/n data for b"},
		{"a subscription", "sub s /n", "write s; answer s", "s: flag 0", "/n persistent for s"},
		{"a recursive subscription", "deep s /n", "write s; answer s", "s: flag 1", "/n recursive for s"},
		{"it counts from the write on", "sub s /n", "write s", "s: flag 0", "/n →persistent for +1"},
		{"a recursive watch stays when a persistent one is added", "hold deep r /n; sub s /n", "write s; answer s", "s: flag 1", "/n recursive for s r"},
		{"a persistent watch becomes recursive", "hold sub s /n; deep r /n", "write r; answer r", "r: flag 1", "/n recursive for r s"},
		{"a subscription closed before its answer", "sub s /n; write s", "stop s; answer s", "s: stopped; remove any /n", ""},
		{"a subscription closed twice", "hold sub s /n", "stop s; stop s", "s: stopped; remove any /n", ""},
	})
}

// Servers up to 3.8 keep one mode for each path: a one-shot watch would replace the
// persistent one.
func TestTable_NoOneShotWhereAPersistentWatchIs(t *testing.T) {
	check(t, []rule{
		{"after its answer", "hold sub s /n; get a /n", "write a; answer a", "a: flag 0", "/n persistent for a s"},
		{"already after its write", "sub s /n; write s; get a /n", "write a", "a: flag 0", "/n →persistent for +2"},
		{"not before its write: it may still be withdrawn", "sub s /n; get a /n", "write a; drop s; answer a", "a: flag 1", "/n data for a"},
		{"a child watch neither", "hold deep r /n; children a /n", "write a; answer a", "a: flag 0", "/n recursive for a r"},
		{"after the subscription has ended, for the other one's sake", "hold sub s /n; hold get b /n; stop s; get a /n", "write a; answer a", "a: flag 0", "/n persistent for a b"},
		{"a refused subscription loses what it was to feed", "sub s /n; write s; get a /n; write a; drop s", "answer a", "a: lost", ""},
		{"a later subscription does not hide that", "sub s /n; write s; children a /n; write a; deep r /n; write r; drop s", "answer a; answer r", "a: lost", "/n recursive for r"},
		{"what has a watch of its own is fed by that", "hold get b /n; sub s /n; write s; get a /n; write a; drop s", "answer a", "", "/n data for a b"},
		{"but not if that has fired before", "hold get b /n; sub s /n; write s; get a /n; write a; drop s", "event data /n; answer a", "b: data /n; a: lost", ""},
		{"a watch of data feeds none of children", "hold get b /n; sub s /n; write s; children a /n; write a; drop s", "answer a", "a: lost", "/n data for b"},
		{"an older lasting watch feeds it", "hold sub s /n; deep r /n; write r; get a /n; write a; drop r", "answer a", "", "/n persistent for a s"},
		{"after the refusal the next read sets its own", "sub s /n; write s; get a /n; write a; get b /n; drop s", "write b; answer a; answer b", "b: flag 1; a: lost", "/n data for b"},
		{"unless another addWatch is on its way", "sub s /n; write s; sub u /n; write u; get a /n; drop s", "write a; answer u; answer a", "a: flag 0", "/n persistent for a u"},
		{"an addWatch that was lost, and is withdrawn before it is sent again", "sub s /n; write s; drop s; again s; sub u /n; write u; get a /n", "drop s; write a; answer u; answer a", "a: flag 0", "/n persistent for a u"},
		{"a withdrawn addWatch refuses nothing", "sub s /n; write s; sub u /n; get a /n", "drop u; write a; answer s; answer a", "a: flag 0", "/n persistent for a s"},
	})
}

func TestTable_Removing(t *testing.T) {
	check(t, []rule{
		{"the last watch of data", "hold get a /n", "stop a", "a: stopped; remove data /n", ""},
		{"the last watch of children", "hold children a /n", "stop a", "a: stopped; remove children /n", ""},
		{"one of two", "hold get a /n; hold exists b /n", "stop a", "a: stopped", "/n data for b"},
		{"one of two kinds", "hold get a /n; hold children b /n", "stop a", "a: stopped; remove data /n", "/n child for b"},
		{"in any order", "hold get a /n; hold get b /n; hold get c /n", "stop b; stop a; stop c", "b: stopped; a: stopped; c: stopped; remove data /n", ""},
		{"a watch that has fired is not removed", "hold get a /n; event data /n", "stop a", "", ""},
		{"a fed watch leaves the lasting one", "hold sub s /n; hold get a /n", "stop a", "a: stopped", "/n persistent for s"},
		{"the lasting one stays for a fed watch", "hold sub s /n; hold get a /n", "stop s", "s: stopped", "/n persistent for a"},
		{"then the fed one takes all along", "hold sub s /n; hold get a /n; stop s", "stop a", "a: stopped; remove any /n", ""},
		{"then its event does", "hold sub s /n; hold get a /n; stop s", "event data /n", "a: data /n; remove any /n", ""},
		{"a one-shot that became lasting", "hold get a /n; hold sub s /n", "stop a; stop s", "a: stopped; s: stopped; remove any /n", ""},
		{"an unanswered read is a holder", "hold get a /n; get b /n; write b", "stop a; answer b", "a: stopped", "/n data for b"},
		{"so is a queued one", "hold sub s /n; get b /n", "stop s; drop b", "s: stopped; remove any /n", ""},
		{"when the unanswered read fails, the watch goes", "hold get a /n; get b /n; write b; stop a", "drop b", "remove data /n", ""},
		{"both kinds at once", "hold get a /n; hold children b /n; get c /n; stop a; stop b", "drop c", "remove any /n", ""},
	})
}

func TestTable_Events(t *testing.T) {
	check(t, []rule{
		{"data", "hold get a /n; hold children b /n", "event data /n", "a: data /n", "/n child for b"},
		{"creation", "hold exists a /n", "event created /n", "a: created /n", ""},
		{"deletion fires every kind", "hold get a /n; hold exists e /n; hold children b /n", "event deleted /n", "a: deleted /n; e: deleted /n; b: deleted /n", ""},
		{"children", "hold get a /n; hold children b /n", "event children /n", "b: children /n", "/n data for a"},
		{"all of one kind", "hold get a /n; hold get b /n", "event data /n", "b: data /n; a: data /n", ""},
		{"of another path", "hold get a /n", "event data /m", "", "/n data for a"},
		{"an unknown type", "hold get a /n; hold sub s /n", "event unknown /n", "", "/n data persistent for a s"},
		{"while a read is on its way", "hold get a /n; get b /n; write b", "event data /n; answer b", "a: data /n", "/n data for b"},
		{"a subscription continues", "hold sub s /n", "event data /n; event children /n; event deleted /n", "s: data /n; s: children /n; s: deleted /n", "/n persistent for s"},
		{"a persistent one sees no descendants", "hold sub s /n", "event data /n/c; event created /n/c", "", "/n persistent for s"},
		{"a recursive one does", "hold deep r /n", "event created /n/c/d", "r: created /n/c/d", "/n recursive for r"},
		{"from the root", "hold deep r /", "event data /; event data /n/c", "r: data /; r: data /n/c", "/ recursive for r"},
		{"of several directories", "hold deep r /; hold deep q /n", "event deleted /n/c", "q: deleted /n/c; r: deleted /n/c", "/ recursive for r; /n recursive for q"},
		{"a longer sibling is no descendant", "hold deep r /n", "event data /nn", "", "/n recursive for r"},
		{"a recursive watch reports children to a fed child watch", "hold deep r /n; hold children a /n", "event created /n/c", "r: created /n/c; a: children /n", "/n recursive for r"},
		{"and their deletion", "hold deep r /n; hold children a /n", "event deleted /n/c", "r: deleted /n/c; a: children /n", "/n recursive for r"},
		{"but not their data", "hold deep r /n; hold children a /n", "event data /n/c", "r: data /n/c", "/n recursive for a r"},
		{"nor grandchildren", "hold deep r /n; hold children a /n", "event created /n/c/d", "r: created /n/c/d", "/n recursive for a r"},
		{"it feeds a persistent subscription", "hold sub s /n; hold deep r /n", "event created /n/c", "r: created /n/c; s: children /n", "/n recursive for r s"},
		{"a 3.9 server reports that twice", "hold sub s /n; hold deep r /n", "event created /n/c; event children /n", "r: created /n/c; s: children /n", "/n recursive for r s"},
		{"until the recursive watch is answered the older one reports", "hold sub s /n; deep r /n; write r", "event created /n/c; event children /n", "s: children /n", "/n persistent →recursive for s +1"},
		{"too large an event", "hold deep r /n; hold sub s /n; hold children a /n; hold get b /n", "missed", "s: resync; r: resync; a: lost", "/n recursive for b s r"},
		{"which no persistent watch can send", "hold sub s /n; hold children a /n", "missed", "", "/n persistent for a s"},
	})
}

func TestTable_Restoring(t *testing.T) {
	check(t, []rule{
		{"every kind of one-shot", "hold get a /a; hold exists b /b; hold children c /c", "restore", "restore data /a, exist /b, child /c", "/a data for a; /b data for b; /c child for c"},
		{"a subscription", "hold sub s /s", "restore", "s: resync; restore persistent /s", "/s persistent for s"},
		{"a recursive one", "hold deep r /r", "restore", "r: resync; restore recursive /r", "/r recursive for r"},
		{"lasting watches go last, and replace one-shots", "hold sub s /n; hold get a /n", "restore", "s: resync; restore data /n, persistent /n", "/n persistent for a s"},
		{"a lasting watch that only fed is not needed any more", "hold sub s /n; hold get a /n; stop s", "restore", "restore data /n", "/n data for a"},
		{"a recursive one that only fed neither", "hold sub s /n; hold deep r /n; stop r", "restore", "s: resync; restore persistent /n", "/n persistent for s"},
		{"a queued read has nothing to restore", "get a /n", "restore; write a; answer a", "a: flag 1", "/n data for a"},
		{"a queued subscription neither", "sub s /n; hold get a /n", "restore; write s; answer s", "restore data /n; s: flag 0", "/n data persistent for a s"},
		{"an addWatch without an answer feeds nothing", "hold get a /n; sub s /n; write s; drop s", "restore", "restore data /n", "/n data for a"},
		{"a refused watch is lost", "hold get a /n; restore", "refuse /n", "a: lost", ""},
		{"with all others on its path", "hold get a /n; hold children c /n; hold sub s /n; restore", "refuse /n", "a: lost; c: lost; s: lost", ""},
		{"a fed read on its way is lost too", "hold sub s /n; restore; get a /n; write a", "refuse /n; answer a", "s: lost; a: lost", ""},
		{"an unwritten one is not", "hold sub s /n; restore; get a /n", "refuse /n; write a; answer a", "s: lost; a: flag 1", "/n data for a"},
		{"a refused path without a watch", "hold get a /n; restore; stop a", "refuse /n", "", ""},
		{"the session expires", "hold sub s /n; hold get a /n", "expire", "a: expired", "/n persistent for s"},
		{"the client closes", "hold get a /n; hold sub s /n", "close", "a: closed; s: closed; remove any /n", ""},
	})
}

// failures: 24: one frame with all watches could be larger than a server accepts.
func TestTable_RestoringInSeveralFrames(t *testing.T) {
	d := newDesk(t)
	d.run("hold get a /aaaaaaa; hold children b /bbbbbbb; hold exists c /aaaaaaa; hold get e /a/longer/path/than/the/room")
	d.run("hold get d /aaaaaaa; hold deep r /aaaaaaa")
	d.out = nil
	d.run("restore")
	require.Equal(t, "r: resync; restore data /a/longer/path/than/the/room, data /aaaaaaa, exist /aaaaaaa, child /bbbbbbb, recursive /aaaaaaa", strings.Join(d.out, "; "))

	frames := d.table.Restore(24) // two paths of eight bytes; a longer one has a frame of its own
	lastOneShot, lasting, paths := 0, 0, 0
	for i, f := range frames {
		paths += len(f.Paths)
		size := 0
		for _, path := range f.Paths {
			size += 4 + len(path)
		}
		require.True(t, size <= 24 || len(f.Paths) == 1, f.Paths)
		if len(f.Set.Data)+len(f.Set.Exist)+len(f.Set.Child) > 0 {
			lastOneShot = i
		}
		if len(f.Set.Recursive) > 0 {
			lasting = i
		}
	}
	require.Equal(t, 5, paths)
	require.GreaterOrEqual(t, lasting, lastOneShot, "a server up to 3.8 keeps what was set last")
	require.Empty(t, newDesk(t).table.Restore(24))
}

// failures: 32: the memory goes with the watches, also while many end at once.
func TestTable_Shrinks(t *testing.T) {
	for name, end := range map[string]func(d *desk, names []string){
		"one by one": func(d *desk, names []string) {
			for _, name := range names {
				d.run("stop " + name)
			}
		},
		"at once": func(d *desk, _ []string) { d.run("expire") },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			var names []string
			for i := range 20_000 {
				n := strconv.Itoa(i)
				names = append(names, n)
				d.run("hold get " + n + " /" + n)
			}
			require.GreaterOrEqual(t, d.table.Room(), 20_000)
			end(d, names)
			require.Zero(t, d.table.Len())
			require.Less(t, d.table.Room(), 2000)
			d.run("hold get a /n; event data /n")
			require.Equal(t, "a: data /n", d.out[len(d.out)-1])
		})
	}
}

func TestWatch_FiredBefore(t *testing.T) {
	d := newDesk(t)
	d.run("hold get a /a; hold get b /b; hold get c /c; hold get d /d")
	a, b, c, e := d.watch["a"], d.watch["b"], d.watch["c"], d.watch["d"]
	require.False(t, a.FiredBefore(b), "neither has fired")
	d.run("event data /a")
	require.True(t, a.FiredBefore(b), "the other waits")
	require.False(t, b.FiredBefore(a))
	d.run("event data /b; stop c; event data /d")
	require.True(t, a.FiredBefore(b))
	require.False(t, b.FiredBefore(a))
	require.True(t, b.FiredBefore(c), "the other ended later")
	require.False(t, c.FiredBefore(e), "it was stopped")
	require.False(t, e.FiredBefore(c))
	require.False(t, a.FiredBefore(a))
}

func TestWatch_FiredBeforeHoldsWhenTheCounterWraps(t *testing.T) {
	d := newDesk(t)
	d.table.ended = 1<<32 - 2
	d.run("hold get a /a; hold get b /b; event data /a; event data /b")
	require.True(t, d.watch["a"].FiredBefore(d.watch["b"]))
	require.False(t, d.watch["b"].FiredBefore(d.watch["a"]))
}

// An event has the zxid of its change. Servers before 3.9 send -1 or 0.
func TestTable_ZxidOfEvents(t *testing.T) {
	d := newDesk(t)
	d.run("hold get a /n; hold get b /m")
	d.table.Event(proto.EventDataChanged, []byte("/n"), 7)
	d.table.Event(proto.EventDataChanged, []byte("/m"), -1)
	require.EqualValues(t, 7, d.watch["a"].Event().Zxid)
	require.Zero(t, d.watch["b"].Event().Zxid)
}

// An event allocates nothing where only one-shot watches are, and its path once
// where a subscription may be recursive.
func TestTable_EventsAllocateLittle(t *testing.T) {
	d := newDesk(t)
	d.run("hold get a /m")
	path := []byte("/n/c")
	require.Zero(t, testing.AllocsPerRun(100, func() { d.table.Event(proto.EventDataChanged, path, 1) }))
	d.run("hold deep r /x")
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { d.table.Event(proto.EventDataChanged, path, 1) }), 1.0)
}
