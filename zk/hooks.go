package zk

import (
	"context"
	"time"
)

// Hook observes a client: what it sends, what it gets, what becomes of its
// connections, sessions, watches and leases. Metrics, traces and logs stand on
// hooks. They are set in Config.Hooks.
//
// A hook is a value of any type that has at least one of the methods of the Hook
// interfaces. Connect finds out which of them it has. So a program implements only
// what it needs, and later versions can add interfaces. The interfaces for locks,
// elections and the like are in package recipes.
//
// # Rules
//
// Hooks are called by many goroutines at once. No hook runs under a lock of the
// client. Each interface names the goroutine that calls it, and that goroutine waits
// until the hook returns. So a hook must be quick: it counts, or passes the event to
// a goroutine of its own.
//
// A hook that runs on a goroutine of a connection or of the client must not make a
// request of the same client, nor wait for one. It would wait for itself. Methods
// that answer from memory, such as Client.State and Client.Stats, are allowed.
//
// # What a slow hook delays
//
// A hook that is slow, or blocks for ever, delays its own client and no other one:
//
//   - The connection on whose goroutine it runs reads, or writes, nothing meanwhile.
//     Calls wait for their replies until their contexts end. If the hook takes a
//     quarter of the session timeout, the server counts as silent and the client
//     reconnects. If it takes as long as the timeout, the session may expire.
//   - A call on whose own goroutine it runs returns when it does, although the
//     context of the call may have ended. The same holds for calls that fail together
//     with a pipelined one whose HookCallEnded is slow.
//   - A slow hook cannot end a guard whose renewal has been read: replies renew the
//     lease before any hook runs. Guards end in time while a hook blocks: their contexts end by a
//     timer, and by the clock whenever Err is asked.
//   - Close returns within a second after its context has ended. It leaves the
//     blocked goroutine behind, and says so.
//
// A hook that panics is logged at Error, and nothing else happens. A hook must not
// end its goroutine with runtime.Goexit, which is what FailNow of package testing
// does.
//
// # Order
//
// The events of one connection come in this order: tried, opened, then written
// before answered for each request, then lost. HookSessionOpened and
// HookSessionResumed come after HookConnOpened, and before the first request is
// written. HookSessionOpened returns before Connect does. HookCallEnded comes after
// HookRequestAnswered, unless the caller did not wait for the answer.
//
// The hooks of one kind are called in the order of Config.Hooks.
type Hook any

// HookConnTried is called when an attempt to connect to a server has ended, well or
// not.
//
// Connections that only close a session which the client had given up are not
// reported.
//
// It runs on the client's own goroutine, the session loop. The client tries no other
// server until it returns. In StateReadOnly it runs on the goroutine that looks for a
// server with quorum.
type HookConnTried interface{ OnConnTried(ConnTried) }

// ConnTried is an attempt to connect to one address of a server.
type ConnTried struct {
	Server string        // as written in Config.Servers, or as Config.Resolve names it
	Addr   string        // the address that was tried; "" if Server could not be resolved
	Took   time.Duration // to dial, for TLS, the handshake and the credentials
	Err    error         // why there is no connection; nil if there is one
}

// HookConnOpened is called when a connection carries a session, before the first
// request is written on it.
//
// It runs on the session loop. The connection does nothing until it returns.
type HookConnOpened interface{ OnConnOpened(ConnOpened) }

// ConnOpened is a new connection.
type ConnOpened struct {
	Addr      string // of the server
	SessionID int64  // logs show it as 0x and hexadecimal digits
	Resumed   bool   // it carries on an earlier session
	ReadOnly  bool   // the server has no quorum: see Config.ReadOnly
}

// HookConnLost is called once for each connection of HookConnOpened, when it has
// ended and its last request was reported as answered. That is also so when Close
// ends the connection.
//
// It runs on the session loop. The client does not connect again until it returns.
type HookConnLost interface{ OnConnLost(ConnLost) }

// ConnLost is a connection that has ended.
type ConnLost struct {
	Addr       string
	SessionID  int64
	Err        error         // why; after Close it is an ErrClosed
	Age        time.Duration // since it was opened
	Unanswered int           // requests that were written and got no answer: their outcome is unknown
	Queued     int           // requests that wait to be written on the next connection
}

// HookSessionOpened is called when a server has opened a session.
//
// It runs on the session loop, as HookConnOpened does.
type HookSessionOpened interface{ OnSessionOpened(SessionOpened) }

// SessionOpened is a new session.
type SessionOpened struct {
	ID      int64
	Addr    string        // of the server that opened it
	Timeout time.Duration // that it granted

	ReadOnly bool // see Session.ReadOnly
}

// HookSessionResumed is called when a session goes on over another connection.
//
// It runs on the session loop, as HookConnOpened does.
type HookSessionResumed interface{ OnSessionResumed(SessionResumed) }

// SessionResumed is a session that goes on.
type SessionResumed struct {
	ID      int64
	Addr    string        // of the server that resumed it
	Timeout time.Duration // the smallest of all handshakes, see Session.Timeout
	Silent  time.Duration // from the last request that was answered to the handshake that resumed it
}

// HookSessionEnded is called when a session has expired or was closed. The contexts
// of its guards have ended before.
//
// It runs on the session loop.
type HookSessionEnded interface{ OnSessionEnded(SessionEnded) }

// SessionEnded is a session that is over.
type SessionEnded struct {
	ID      int64
	Age     time.Duration // since it was opened
	Err     error         // ErrSessionExpired or ErrClosed
	GivenUp bool          // it expired by the client's own clock; no server has said so
}

// HookRequestWritten is called for each request that is about to be written, when
// it can no longer be withdrawn. From here on it counts as sent. A read whose
// connection is lost is written again, and so is reported once for each time.
//
// The client's own requests are reported too, but pings are not.
//
// It runs on the goroutine that writes: that of a caller, or one of the two of the
// connection. That one may be about to write the requests of other callers as well.
// None of them is written until the hook returns. It must not make a request.
type HookRequestWritten interface{ OnRequestWritten(RequestWritten) }

// RequestWritten is a request that is being sent.
type RequestWritten struct {
	Context  context.Context // that of the call; of a pipelined one too
	Addr     string          // of the server
	Op       string          // as in OpError: "get", "create", "multi"
	Path     string          // as the caller gave it, with the chroot of a sub-client (see At) before it; of a multi: that of its first op; "" if Restores is not 0
	Internal bool            // made by the client for itself: a heartbeat, watches to restore or to remove, the end of the session
	Watch    bool            // the reply sets a watch: a read with one, or Subscribe
	Restores int             // how many watches it sets again after a reconnect; Op is then "setWatches" or "setWatches2"
	Try      int             // 1, or more if the call is repeated
	Bytes    int             // of the request
	Room     time.Duration   // how long it waited for room (Config.MaxInFlight)
	Queued   time.Duration   // how long it then waited to be written
}

// HookRequestAnswered is called once for each request of HookRequestWritten: when
// its reply was read, or its connection was lost without one. It is called although
// the caller may have given up meanwhile, and before the caller gets the result.
//
// It runs on the goroutine that reads from the connection, or on the session loop if
// the connection was lost. No other reply is delivered until it returns. It must not
// make a request.
type HookRequestAnswered interface{ OnRequestAnswered(RequestAnswered) }

// RequestAnswered is the end of a request that was sent.
type RequestAnswered struct {
	RequestWritten
	ReplyBytes int           // 0 if there was no reply
	Wait       time.Duration // from HookRequestWritten to the reply
	Err        error         // an *OpError, nil if the server did what was asked
}

// HookCallEnded is called when a call of the program has ended, once for each call,
// however often it was sent: also if it was refused or withdrawn and never sent. So
// it has what the program waited for, and HookRequestAnswered what the server did.
//
// The calls that are made for the program are reported as well: those of package
// protect and of the recipes, and the confirmation of a lease in Session.Guard.
//
// For a synchronous call it runs on the goroutine of the caller, before the call
// returns. It may make requests then. A slow hook delays only that caller. For a
// pipelined call (Pipelined is true) it runs before the Future is completed, on the
// goroutine that completes it, which is that of HookRequestAnswered as a rule. It
// must not make a request then.
type HookCallEnded interface{ OnCallEnded(CallEnded) }

// CallEnded is a call that has ended.
type CallEnded struct {
	Context   context.Context // that was given to the call
	Op        string          // as in OpError
	Path      string          // as in RequestWritten
	Pipelined bool
	Took      time.Duration // of a pipelined call: from the call to the result
	Room      time.Duration // the part of it that it waited for room (Config.MaxInFlight)
	Tries     int           // how often it was submitted: 1, or more if it was repeated
	Err       error         // that the call returns
}

// HookWatchFired is called for each change of a node that the server reports, after
// the watches and subscriptions of this client got the event. An event has one call,
// however many of them wait for it. It also has one if none does: the program has
// stopped its watch while the event was on its way.
//
// It runs on the goroutine that reads from the connection, as HookRequestAnswered
// does. It must not make a request.
type HookWatchFired interface{ OnWatchFired(WatchFired) }

// WatchFired is an event of the server.
type WatchFired struct {
	Type    EventType
	Path    string // of the node that has changed
	Zxid    int64  // as in Event
	Watches int    // how many watches and subscriptions got the event; 0: none
}

// HookWatchLost is called for each Watch and each Subscription that ended with
// ErrWatchLost: it gets no event any more. The end of a session, which ends its
// watches too, is reported by HookSessionEnded alone.
//
// It runs on the goroutine that reads from the connection. It must not make a
// request.
type HookWatchLost interface{ OnWatchLost(WatchLost) }

// WatchLost is a watch that cannot fire any more.
type WatchLost struct {
	Path    string
	Lasting bool // it is a Subscription
}

// HookLeaseRenewed is called when the lease of a session was extended, while a guard
// lives.
//
// It runs on the goroutine that reads from the connection, or on the session loop
// after a reconnect. It must not make a request.
type HookLeaseRenewed interface{ OnLeaseRenewed(LeaseMargin) }

// HookLeaseLapsed is called when the lease of a session has lapsed and its guards
// have ended.
//
// It runs on the goroutine that noticed it: that of a timer, one of the client, or
// one that asked a guard for its Err, with whatever locks the program holds there.
// It must not make a request.
type HookLeaseLapsed interface{ OnLeaseLapsed(LeaseMargin) }

// LeaseMargin says how close a lease was to its end.
type LeaseMargin struct {
	SessionID int64
	Timeout   time.Duration // of the session, see Session.Timeout
	Left      time.Duration // until the lease would have ended; negative: since it ended
	Guards    int           // that rest, or rested, on the lease
}
