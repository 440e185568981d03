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
// "leaving" the Handler finishes it, and the link copies its bytes into the write
// buffer. In "sent" it waits for its reply. Replies come in the order of "sent".
//
// Two kinds of requests are answered out of that order, because the server answers
// them as soon as it has read them: pings and credentials (auth). Each kind has a
// queue of its own, and replies of one kind come in order. Neither counts as a sign
// that the session lives: the server does not look at it for a credential.
//
// One goroutine reads: the reader. One goroutine at a time writes: the holder of
// the write token. It writes the requests of all callers. Three can hold the token:
//
//   - A caller. If its Submit finds the token free, the caller takes it. It writes
//     its own request and all others that wait.
//   - The standby writer, a goroutine of the link. It writes when no caller may.
//   - The reader, after one Read has brought the replies of several callers. Those
//     callers submit their next requests, and the reader writes all of them at once.
//
// Fail ends a link. Any goroutine may call it, and so may the Handler. After Fail,
// Join waits for the reader and for every writer, and TakeBack returns the requests
// that had no answer. The link calls the Handler no more after Join. So no late
// reply can register a watch after the session has restored its watches on the next
// link.
//
// The lock of a link is a leaf: the link takes no other lock and does not block
// while it holds it, and it calls the Handler without it. So a session may call the
// link under a lock of its own, and take that lock in its Handler.
package link
