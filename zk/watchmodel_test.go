package zk_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// holder is one watch or subscription of the model.
type holder struct {
	path   string
	child  bool // of a one-shot: on the children
	absent bool // of a one-shot: set by an exists on an absent node
	deep   bool // of a subscription: recursive
	w      *zk.Watch
	sub    *zk.Subscription
	want   []string // events that are due
	stat   zk.Stat  // of the node when the connection was cut
}

// watchModel sets and removes watches of every kind on a few paths at random, while
// nodes change and connections and sessions come and go. It says which watches must
// get which events.
type watchModel struct {
	t    *testing.T
	srv  *zktest.Server
	c    *zk.Client
	rnd  *rand.Rand
	held []*holder
	log  []string
}

var modelPaths = []string{"/a", "/a/b", "/a/b/c", "/d"}

// failures: 29, 30, 31, 32, 61: each watch gets exactly its own events, with all
// other kinds of watches on the same path.
func TestWatch_RandomHoldersGetTheirEvents(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			onBothVersions(t, 2, func(t *testing.T, srv *zktest.Server) {
				m := &watchModel{t: t, srv: srv, c: watching(t, srv), rnd: rand.New(rand.NewPCG(seed, 7))}
				for range 150 {
					m.step()
				}
				for len(m.held) > 0 {
					m.drop(m.held[0])
				}
				if t.Failed() {
					t.Log(strings.Join(m.log, "\n"))
				}
			})
		})
	}
}

func (m *watchModel) step() {
	path := modelPaths[m.rnd.IntN(len(modelPaths))]
	switch n := m.rnd.IntN(20); {
	case n < 6:
		m.add(path)
	case n < 9 && len(m.held) > 0:
		m.drop(m.held[m.rnd.IntN(len(m.held))])
	case n < 18:
		m.told(m.change(path))
	case n < 19:
		m.gap(func() {})
	default:
		id := m.c.Session().ID()
		m.gap(func() { require.NoError(m.t, m.srv.ExpireSession(id)) })
	}
	m.check()
}

func (m *watchModel) note(format string, args ...any) {
	m.log = append(m.log, fmt.Sprintf(format, args...))
}

func (m *watchModel) add(path string) {
	h := &holder{path: path}
	ctx := m.t.Context()
	var err error
	kind := m.rnd.IntN(5)
	switch kind {
	case 0:
		_, h.w, err = m.c.GetW(ctx, path)
	case 1:
		var ok bool
		_, ok, h.w, err = m.c.ExistsW(ctx, path)
		h.absent = !ok
	case 2:
		h.child = true
		_, _, h.w, err = m.c.ChildrenW(ctx, path)
	case 3, 4:
		if h.deep = kind == 4; h.deep {
			h.sub = subscribe(m.t, m.c, path, zk.Recursive())
		} else {
			h.sub = subscribe(m.t, m.c, path)
		}
	}
	m.note("add %d %s: %v", kind, path, err)
	if err != nil {
		require.ErrorIs(m.t, err, zk.ErrNoNode)
		require.Nil(m.t, h.w)
		return
	}
	m.held = append(m.held, h)
}

func (m *watchModel) drop(h *holder) {
	m.note("drop %s %v", h.path, h.sub != nil)
	if h.w != nil {
		h.w.Stop()
	} else {
		require.NoError(m.t, h.sub.Close())
	}
	m.held = slices.DeleteFunc(m.held, func(o *holder) bool { return o == h })
}

// change changes the tree, and returns what happened to path.
func (m *watchModel) change(path string) (event, at string) {
	switch {
	case !m.srv.Exists(path):
		for !m.srv.Exists(zk.Parent(path)) {
			path = zk.Parent(path) // one node at a time
		}
		require.NoError(m.t, m.srv.Create(path, nil))
		event = "created"
	case m.rnd.IntN(2) == 0 && len(m.srv.Children(path)) == 0:
		require.NoError(m.t, m.srv.Delete(path))
		event = "deleted"
	default:
		require.NoError(m.t, m.srv.Set(path, nil))
		event = "data changed"
	}
	m.note("%s %s", event, path)
	return event, path
}

// told records which watches must get an event.
func (m *watchModel) told(event, path string) {
	structural := event != "data changed"
	for _, h := range m.held {
		own := h.path == path
		below := strings.HasPrefix(path, h.path+"/")
		isParent := zk.Parent(path) == h.path
		switch {
		case h.w != nil && h.child:
			if own && event == "deleted" {
				h.want = append(h.want, event+" "+path)
			} else if isParent && structural {
				h.want = append(h.want, "children changed "+h.path)
			}
		case h.w != nil:
			if own {
				h.want = append(h.want, event+" "+path)
			}
		case own, below && h.deep:
			h.want = append(h.want, event+" "+path)
		case isParent && structural && !h.deep:
			h.want = append(h.want, "children changed "+h.path)
		}
	}
}

// gap changes some nodes while the client is cut off. Afterwards a one-shot has
// fired if its node is not as it was, or ended if the session did. A subscription
// has a resync.
func (m *watchModel) gap(end func()) {
	id := m.c.Session().ID()
	peek := connect(m.t, m.srv) // on a connection of its own, closed with the test
	stat := func(path string) zk.Stat {
		s, _, err := peek.Exists(m.t.Context(), path)
		require.NoError(m.t, err)
		return s
	}
	for _, h := range m.held {
		h.stat = stat(h.path)
	}
	m.srv.Down(0, true)
	synctest.Wait()
	for range m.rnd.IntN(4) {
		m.change(modelPaths[m.rnd.IntN(len(modelPaths))])
	}
	end()
	m.srv.Down(0, false)
	require.NoError(m.t, m.c.Sync(inTime(m.t), "/"))
	expired := m.c.Session().ID() != id
	m.note("gap, expired: %v", expired)
	synctest.Wait()
	for _, h := range slices.Clone(m.held) {
		now := stat(h.path)
		changed := now.Mzxid != h.stat.Mzxid
		if h.child {
			changed = now.Pzxid != h.stat.Pzxid || now.Czxid != h.stat.Czxid
		}
		switch {
		case h.sub != nil:
			got := waiting(m.t, h.sub)
			require.NotEmpty(m.t, got, h.path)
			require.Equal(m.t, "resync "+h.path, got[0])
			h.want = nil
			continue
		case expired:
			require.ErrorIs(m.t, h.w.Err(), zk.ErrSessionExpired)
		case changed:
			require.True(m.t, h.w.Fired(), "%s, child %v\n%s", h.path, h.child, strings.Join(m.log, "\n"))
		default:
			continue
		}
		m.held = slices.DeleteFunc(m.held, func(o *holder) bool { return o == h })
	}
	require.NoError(m.t, peek.Close(m.t.Context()))
}

// check compares all watches with the model.
func (m *watchModel) check() {
	synctest.Wait()
	for _, h := range slices.Clone(m.held) {
		what := fmt.Sprintf("%s, child %v, recursive %v\n%s", h.path, h.child, h.deep, strings.Join(m.log, "\n"))
		if h.sub != nil {
			require.Equal(m.t, h.want, waiting(m.t, h.sub), what)
			h.want = nil
			continue
		}
		require.Equal(m.t, len(h.want) > 0, h.w.Fired(), what)
		if len(h.want) > 0 {
			ev, err := h.w.Wait(m.t.Context())
			require.NoError(m.t, err)
			require.Equal(m.t, h.want[0], ev.Type.String()+" "+ev.Path, what)
			m.held = slices.DeleteFunc(m.held, func(o *holder) bool { return o == h })
		}
	}
}
