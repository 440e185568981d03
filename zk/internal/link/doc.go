// Package link is one connection to a server, from the end of its handshake to
// its own end. It writes requests, reads replies and events, and matches each
// reply to its request. It knows no session, no watch and no lease.
//
//	Submit ──▶ waiting ──▶ leaving ──Write──▶ sent ──reply──▶ Handler.Receive
//	              │           │                │
//	           Withdraw       └───────┬────────┘
//	              │                   │ the link ends
//	              ▼                   ▼
//	          not sent        sent, without an answer
//
// A request is in one of three queues. In "waiting" it can be withdrawn. In
// "leaving" the Handler finishes it and its bytes are put together. In "sent" it
// waits for its reply. Replies come in the order of "sent".
//
// One goroutine reads. One goroutine at a time writes, for everybody: it holds
// the write token. A caller whose Submit finds the token free gets it and writes
// its own request, and with it whatever else waits. Otherwise the standby writer,
// a second goroutine, takes the token. The reader takes it when one Read has
// brought the replies of several callers: these submit their next requests, and
// the reader then writes all of them at once.
//
// A link ends with Fail, which may be called from anywhere, also from the
// Handler. Join then waits for everybody who still reads or writes, and TakeBack
// returns the requests that had no answer. So after Join the Handler is not
// called any more. That is why the session can restore its watches on the next
// link: no reply of this one can register a watch later.
//
// The lock of a link is a leaf: nothing else is locked and nothing blocks while
// it is held, and the Handler is called without it. So a session may call the
// link under a lock of its own, and take that lock in its Handler.
package link
