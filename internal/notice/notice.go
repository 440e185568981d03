// Package notice says what a watch has reported, and whether the code that waited for it
// has to look again.
//
// A watch is over in four ways that matter to its owner. Two of them are no news about
// the node: the server may refuse to restore the watch after a reconnect, and the watch
// ends with its session. A recipe that took one of them for an error would lose its
// position in a queue or end its loop because of one refused frame.
package notice

import (
	"context"
	"errors"

	"github.com/zookit/zookit/zk"
)

// Notice is what a watch has reported.
type Notice uint8

// The notices.
const (
	// Deleted: the node was deleted.
	Deleted Notice = iota + 1
	// Changed: it fired because of something else: the node's data, its creation, or
	// a child.
	Changed
	// Lost: the server did not restore it after a reconnect. Anything may have
	// happened: look, and watch again.
	Lost
	// Expired: its session is over.
	Expired
)

// String returns the word for n in logs.
func (n Notice) String() string {
	switch n {
	case Deleted:
		return "deleted"
	case Changed:
		return "changed"
	case Lost:
		return "lost"
	case Expired:
		return "session expired"
	}
	return "stopped"
}

// Of returns the notice of a watch that has fired or ended: its channel C was ready. It
// returns an error if there will be no notice and looking again is in vain: zk.ErrClosed,
// or zk.ErrWatchStopped.
func Of(w *zk.Watch) (Notice, error) {
	ev, err := w.Wait(context.Background()) // does not block: the watch is over
	switch {
	case err == nil && ev.Type == zk.EventDeleted:
		return Deleted, nil
	case err == nil:
		return Changed, nil
	case errors.Is(err, zk.ErrWatchLost):
		return Lost, nil
	case errors.Is(err, zk.ErrSessionExpired):
		return Expired, nil
	}
	return 0, err
}

// Gone reports whether a watch has fired because its node was deleted. It returns false
// for a watch that is not over.
func Gone(w *zk.Watch) bool {
	if !w.Fired() {
		return false
	}
	n, _ := Of(w)
	return n == Deleted
}

// Await waits until a watch is over, and returns nil if the caller has to look again.
// Otherwise it returns the error of Of, or the cause of ctx if that ends first. In each
// case the watch is stopped.
func Await(ctx context.Context, w *zk.Watch) error {
	defer w.Stop()
	_, err := w.Wait(ctx)
	if errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, zk.ErrWatchLost) {
		return nil
	}
	return err
}
