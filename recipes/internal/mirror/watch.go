package mirror

import (
	"context"
	"errors"
	"sync"

	"github.com/zookit/zookit/recipes/internal/nodes"
	"github.com/zookit/zookit/zk"
)

// subscribe sets the recursive watch if there is none and the server supports it.
// Every node that is read afterwards is watched.
func (m *mirror) subscribe(ctx context.Context) error {
	if m.sub != nil || m.oneShot {
		return nil
	}
	sub, err := m.c.Subscribe(ctx, m.cfg.Root, zk.Recursive())
	if errors.Is(err, zk.ErrUnimplemented) {
		// Do not ask again: such a server closes the connection after this reply.
		m.oneShot = true
		return nil
	}
	if err != nil {
		return err
	}
	m.sub = sub
	m.wg.Go(func() {
		m.label.Set()
		m.pump(sub)
	})
	return nil
}

func (m *mirror) unsubscribe() {
	if m.sub != nil {
		_ = m.sub.Close() // ends its pump
		m.sub = nil
	}
}

// pump moves the subscription's events into the inbox, so that a slow round never
// makes the subscription overflow. It ends with the subscription.
func (m *mirror) pump(sub *zk.Subscription) {
	for ev, err := range sub.Events(context.Background()) {
		depth := m.depth(ev.Path)
		switch {
		case err != nil: // zk.ErrWatchLost; or zk.ErrClosed, which States reports too
			m.inbox.resync(true)
		case ev.Type == zk.EventResync:
			m.inbox.resync(false)
		case depth == m.cfg.Depth, depth < m.cfg.Depth && ev.Type != zk.EventDataChanged:
			m.inbox.add(ev.Path)
		}
	}
}

// list lists a directory.
func (m *mirror) list(ctx context.Context, dir string) (zk.Listing, error) {
	if !m.oneShot {
		names, stat, err := m.c.Children(ctx, dir)
		return zk.Listing{Names: names, Stat: stat}, err
	}
	for {
		names, stat, w, err := m.c.ChildrenW(ctx, dir)
		if !errors.Is(err, zk.ErrNoNode) || dir != m.cfg.Root {
			m.hold(dir, w)
			return zk.Listing{Names: names, Stat: stat}, err
		}
		_, ok, w, err2 := m.c.ExistsW(ctx, dir)
		if err2 != nil {
			// Return err2 alone, without NoNode. NoNode would count Root as
			// missing, but no watch would report its creation. A refusal is retried
			// periodically.
			return zk.Listing{}, err2
		}
		if !ok {
			m.hold(dir, w)
			return zk.Listing{}, err
		}
		w.Stop() // it was created between the two reads: list it
	}
}

// read reads a leaf. If the client may not read it, read returns the refusal, and
// the Stat if the server shows it. A refusal says that the node exists.
func (m *mirror) read(ctx context.Context, path string) (zk.Node, error) {
	n, err := m.get(ctx, path)
	if !nodes.Refused(err) {
		return n, err
	}
	stat, gone := nodes.Stat(ctx, m.c, path)
	if gone != nil {
		return zk.Node{}, gone
	}
	return zk.Node{Stat: stat}, err
}

func (m *mirror) get(ctx context.Context, path string) (zk.Node, error) {
	if !m.oneShot {
		return m.c.Get(ctx, path)
	}
	n, w, err := m.c.GetW(ctx, path)
	m.hold(path, w)
	return n, err
}

// shots are the one-shot watches, for servers without a recursive watch.
type shots struct {
	mu   sync.Mutex
	held map[string]*zk.Watch // one a path, the newest
	over bool
}

// hold waits for a watch in the background. It stops an older watch on the same
// path.
func (m *mirror) hold(path string, w *zk.Watch) {
	if w == nil {
		return
	}
	s := &m.shots
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		w.Stop()
		return
	}
	if s.held == nil {
		s.held = map[string]*zk.Watch{}
	}
	s.held[path].Stop()
	s.held[path] = w
	m.wg.Go(func() {
		m.label.Set()
		_, err := w.Wait(context.Background())
		if errors.Is(err, zk.ErrWatchStopped) {
			return
		}
		s.mu.Lock()
		if s.held[path] == w {
			delete(s.held, path)
		}
		s.mu.Unlock()
		m.inbox.add(path) // the watch fired, or ended with its session
	})
}

// stop ends all watches.
func (s *shots) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, w := range s.held {
		w.Stop()
	}
}
