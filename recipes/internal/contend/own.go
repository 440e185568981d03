package contend

import (
	"context"

	"github.com/zookit/zookit/zk"
)

// ownWatch is a watch on our own node that is set already, or whose request is on
// its way.
type ownWatch interface {
	// Wait waits for the reply that has set the watch.
	Wait(ctx context.Context) (zk.Watched[zk.Existence], error)
	// silent reports that nothing is known yet but that our node is there: the watch
	// has not fired or ended, or the reply has not come.
	silent() bool
	// next returns channels. Until one of them is ready, silent does not change.
	next() (reply <-chan struct{}, event <-chan zk.Event)
	// stop gives the watch up.
	stop()
}

// readyWatch is an ownWatch that is set already.
type readyWatch struct {
	w       *zk.Watch
	version int32 // of the data when it was set
}

func (r readyWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true, Stat: zk.Stat{Version: r.version}}, Watch: r.w}, nil
}

func (r readyWatch) silent() bool { return pending(r.w) }

func (r readyWatch) next() (<-chan struct{}, <-chan zk.Event) { return nil, r.w.C() }

func (r readyWatch) stop() { r.w.Stop() }

// queueWatch is a watch on the queue instead of one on our own node. When it fires,
// our node must be read. It does not fire when the node's data changes.
type queueWatch struct{ w *zk.Watch }

func (q queueWatch) Wait(context.Context) (zk.Watched[zk.Existence], error) {
	return zk.Watched[zk.Existence]{Value: zk.Existence{Exists: true}, Watch: q.w}, nil
}

func (q queueWatch) silent() bool { return pending(q.w) }

func (q queueWatch) next() (<-chan struct{}, <-chan zk.Event) { return nil, q.w.C() }

// stop does nothing. At the latest the delete of our node fires the watch, and to
// remove it costs a request.
func (q queueWatch) stop() {}

// sentWatch is an ownWatch whose request was sent in a pipeline.
type sentWatch struct {
	*zk.Future[zk.Watched[zk.Existence]]
}

func (s sentWatch) silent() bool {
	found, err, done := s.reply()
	return !done || err == nil && found.Value.Exists && pending(found.Watch)
}

// reply returns the reply if it has come.
func (s sentWatch) reply() (found zk.Watched[zk.Existence], err error, done bool) {
	select {
	case <-s.Done():
		found, err = s.Wait(context.Background()) // does not block: the reply is there
		return found, err, true
	default:
		return found, nil, false
	}
}

func (s sentWatch) next() (<-chan struct{}, <-chan zk.Event) {
	if found, _, done := s.reply(); done {
		return nil, firing(found.Watch)
	}
	return s.Done(), nil
}

// stop stops the watch. If the reply has not come, it waits for it in the background.
func (s sentWatch) stop() {
	go func() { // ends with the request, at the latest with the client
		<-s.Done()
		if found, err := s.Wait(context.Background()); err == nil {
			found.Watch.Stop()
		}
	}()
}
