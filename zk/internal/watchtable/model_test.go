package watchtable

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// settle lets everything arrive, and checks every holder.
func (w *world) settle() {
	for len(w.queue)+len(w.sent)+len(w.stream) > 0 {
		w.write()
		w.serve()
		w.receive()
	}
	w.checkReasons()
	w.checkCount()
	for _, h := range w.held {
		if h.sub == nil {
			if len(h.due) > 0 {
				w.fail("%s is silently dead: %v is due", h.name, h.due)
			}
			continue
		}
		if !h.complete() {
			w.fail("%s got %v, due was %v", h.name, h.got, h.due)
		}
		h.due, h.got, h.mayRepeat = nil, nil, false
	}
}

// complete reports whether a subscription has got what was due. Events before a
// resync do not matter.
func (h *holder) complete() bool {
	got, due := afterGap(h.got), afterGap(h.due)
	hasGap, gapIsDue := len(got) < len(h.got), len(due) < len(h.due)
	if h.mayRepeat && len(got) > len(due) {
		got = got[len(got)-len(due):]
	}
	return hasGap == gapIsDue && slices.Equal(got, due)
}

// afterGap returns the events behind the last gap.
func afterGap(events []string) []string {
	for i, ev := range slices.Backward(events) {
		if ev == "gap" {
			return events[i+1:]
		}
	}
	return events
}

// checkReasons drops the holders that are over, and checks that there was a reason.
func (w *world) checkReasons() {
	for _, h := range slices.Clone(w.held) {
		if !w.over(h) {
			continue
		}
		w.held = without(w.held, h)
		if h.sub != nil || h.watch.Reason() == Lost {
			if !slices.Contains(h.mayEnd, Lost) {
				w.fail("%s is lost for no reason", h.name)
			}
			continue
		}
		// "gap": the event of another kind of watch on the path, from a frame before its own.
		if len(h.due) == 0 || len(h.got) != 1 || !slices.Contains([]string{"any", "gap", h.got[0]}, h.due[0]) {
			w.fail("%s fired with %v, due was %v", h.name, h.got, h.due)
		}
	}
}

// checkCount checks that the table counts the one-shot watches that it has.
func (w *world) checkCount() {
	var n Count
	for _, p := range w.table.paths {
		for kind := range kinds {
			for one := p.one[kind]; one != nil; one = one.next {
				n[kind]++
			}
		}
	}
	if got := w.table.Waiting(); got != n {
		w.fail("%v one-shot watches are counted, there are %v", got, n)
	}
}

// end checks that every holder still lives, by changing each node, and that nothing
// is left when all have gone.
func (w *world) end() {
	w.settle()
	for _, path := range append(slices.Clone(worldPaths[1:]), longPath) {
		typ := proto.EventDataChanged
		if w.server.nodes[path] == nil {
			typ = proto.EventCreated
		}
		w.changeTo(typ, path)
		w.settle()
	}
	w.changeTo(proto.EventDataChanged, "/")
	w.settle()
	for len(w.held) > 0 {
		w.leave()
	}
	w.settle()
	if w.table.Len() > 0 {
		w.fail("%d paths are left", w.table.Len())
	}
	if w.refused {
		return
	}
	for _, table := range []map[string]modes{w.server.data, w.server.child} {
		for path, m := range table {
			if m != 0 {
				w.fail("the server still watches %s: %b", path, m)
			}
		}
	}
}

// failures: 25, 29, 30, 31, 32, 61: no watch is silently dead, none fires for no
// reason, and none is left, in random sequences on servers of both kinds.
func TestTable_AgainstANaiveServer(t *testing.T) {
	for _, version := range []string{"3.8", "3.9"} {
		t.Run(version, func(t *testing.T) {
			for seed := range uint64(3000) {
				t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
					rnd := rand.New(rand.NewPCG(seed, 11))
					w := newWorld(t, version == "3.9", rnd.IntN)
					for range 120 {
						w.step()
					}
					w.end()
				})
			}
		})
	}
}

// FuzzTable is the same with the bytes of the fuzzer as choices.
func FuzzTable(f *testing.F) {
	f.Add(true, []byte("queue, write, serve, receive"))
	f.Add(false, []byte{0, 2, 3, 40, 60, 70, 97, 1, 2, 3, 0, 0, 30, 40, 60, 70, 80, 1, 2, 96})
	f.Fuzz(func(t *testing.T, coexist bool, choices []byte) {
		choices = choices[:min(len(choices), 1000)]
		w := newWorld(t, coexist, func(n int) int {
			if len(choices) == 0 {
				return n - 1
			}
			c := int(choices[0])
			choices = choices[1:]
			return c % n
		})
		for len(choices) > 0 {
			w.step()
		}
		w.end()
	})
}

// The naive server is one of both kinds only if it differs where they do.
func TestServer_OnlyNewOnesKeepAllModes(t *testing.T) {
	for _, coexist := range []bool{false, true} {
		s := newServer(coexist)
		s.addWatch("/", Persistent)
		s.add(s.child, "/", oneShot)
		s.change(proto.EventCreated, "/a") // ends the one-shot
		require.Equal(t, coexist, len(s.change(proto.EventDeleted, "/a")) > 0)
	}
}
