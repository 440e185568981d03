package recipes

import (
	"context"
	"time"
)

// The hooks of the recipes observe locks, elections, barriers, members and caches, as
// those of package zk observe the client below. They are set in zk.Config.Hooks too: a
// hook may have methods of both kinds. The rules of zk.Hook hold here as well: a hook
// is called by many goroutines at once, it must be quick, and it makes no request of
// the client. No hook runs under a lock. The goroutine that is named with each
// interface waits until the hook returns.
//
// A recipe sees the hooks of the client at the time of its constructor.

// Acquisition is one call that waits for a hold: Acquire, TryAcquire, Campaign, Enter.
type Acquisition struct {
	ID      uint64          // unique in this process
	Recipe  string          // "lock", "semaphore", "election" or "barrier"
	Dir     string          // of the recipe, as it was given to the constructor
	Context context.Context // that was given to the call
	Began   time.Time
}

// HookAcquiring is called when a call begins to wait for a hold. HookGranted or
// HookGaveUp follows.
//
// It runs on the goroutine of the caller.
type HookAcquiring interface{ OnAcquiring(Acquisition) }

// HookQueued is called when a contender has found its place in the queue, and whenever
// it waits for another predecessor. A contender that is first at once is not reported.
//
// It runs on the goroutine of the caller.
type HookQueued interface{ OnQueued(Queued) }

// Queued is a place in a queue.
type Queued struct {
	Acquisition
	Node        string // of the contender
	Predecessor string // the node that it watches
	Ahead       int    // how many contenders it waits for
}

// HookGranted is called when a hold was granted, before the call returns it.
//
// It runs on the goroutine of the caller.
type HookGranted interface{ OnGranted(Granted) }

// Granted is a hold that has begun.
type Granted struct {
	Acquisition
	Node   string
	Token  int64 // the fencing token; of a barrier: the round
	Waited time.Duration
}

// HookGaveUp is called when a call returns without a hold.
//
// It runs on the goroutine of the caller.
type HookGaveUp interface{ OnGaveUp(GaveUp) }

// GaveUp is the end of a call that got nothing.
type GaveUp struct {
	Acquisition
	Waited time.Duration
	Err    error // that the call returns, without the name of the recipe
}

// HookHoldEnded is called when the context of a hold has ended.
//
// It runs on a goroutine of its own. Release waits for it.
type HookHoldEnded interface{ OnHoldEnded(HoldEnded) }

// HoldEnded is a hold that was released or lost.
type HoldEnded struct {
	Granted
	Held time.Duration
	Err  error // why it was lost; nil if it was released
}

// HookLeaderChanged is called for each change that an observer of an election sees,
// while its Observe runs, and once more when Observe ends.
//
// It runs on the goroutine of the observer.
type HookLeaderChanged interface{ OnLeaderChanged(LeaderChanged) }

// LeaderChanged is what an observer of an election sees now.
type LeaderChanged struct {
	Dir      string
	Observer uint64 // unique in this process
	State    string // "unknown" while the connection is lost, "vacant" or "led"
	ID       string // of the leader, if there is one
	Token    int64  // of the leader, if there is one
	Ended    bool   // Observe has ended: the rest is what it saw last
}

// HookMemberChanged is called when a member of a group, or an instance of a service,
// that this process has registered changes its state.
//
// It runs on the goroutine that keeps the node, which does nothing meanwhile.
type HookMemberChanged interface{ OnMemberChanged(MemberChanged) }

// MemberChanged is the state of a member.
type MemberChanged struct {
	Recipe string // "groupmembership" or "discovery"
	Path   string // of the member's node; of one with a sequence number: without the number
	State  string // as the Status of the recipe has it
	Err    error  // why, if there is a reason
}

// HookCacheChanged is called when a copy of a group or of services begins, becomes fresh,
// becomes stale again, or ends. A copy is stale until it is loaded.
//
// It runs on the goroutine that keeps the copy, which does nothing meanwhile.
type HookCacheChanged interface{ OnCacheChanged(CacheChanged) }

// CacheChanged is the state of a copy.
type CacheChanged struct {
	Recipe string // "groupmembership" or "discovery"
	Path   string // of what is copied
	Copy   uint64 // unique in this process
	Stale  bool   // the copy may be behind: changes may have been missed
	Ended  bool   // nothing keeps the copy any more; Stale is what it was at last
	Err    error  // why it is stale, or why it has ended
}

// HookSetAside is called when a provider of a service sets an instance aside, because
// too many of its uses have failed.
//
// It runs on the goroutine that has reported the last failure.
type HookSetAside interface{ OnSetAside(SetAside) }

// SetAside is an instance that is not picked for a while.
type SetAside struct {
	Service  string
	Instance string // the path of its node
	Until    time.Time
}
