// Package resumed keeps a process from taking over a node that it has: one that it has
// taken over before, or acquired. Two holds, or two registrations, that rest on one node
// would both count.
//
// Only one client has the session that owns the node (zk.Config.Resume). So it is enough
// that this client takes over each node once.
package resumed

import (
	"context"
	"sync"

	"github.com/zookit/zookit/zk"
)

// taken are the nodes that were taken over and not detached again, by their czxid, until
// their session ends; and those of holds that were acquired, until the hold ends. A path would not do: a sub-client has another path for the node,
// and it has the same session.
var (
	mu    sync.Mutex // leaf lock; guards taken
	taken = map[*zk.Session]map[int64]struct{}{}
)

// Take records that the node with this czxid, which session s owns, is taken over, or
// acquired. It returns false if that was recorded before.
func Take(s *zk.Session, czxid int64) bool {
	mu.Lock()
	defer mu.Unlock()
	of := taken[s]
	if of == nil {
		of = map[int64]struct{}{}
		taken[s] = of
		context.AfterFunc(s.Context(), func() { forget(s) })
	}
	if _, is := of[czxid]; is {
		return false
	}
	of[czxid] = struct{}{}
	return true
}

// GiveBack records that the node was detached, or not taken over after all, or that its
// hold has ended. It does
// nothing if the node is not recorded.
func GiveBack(s *zk.Session, czxid int64) {
	mu.Lock()
	defer mu.Unlock()
	delete(taken[s], czxid)
}

// forget drops a session that has ended.
func forget(s *zk.Session) {
	mu.Lock()
	defer mu.Unlock()
	delete(taken, s)
}
