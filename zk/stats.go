package zk

import "time"

// Stats is the state of a client at one time, and what it has counted since Connect.
// It contains no credential and no data of a node.
type Stats struct {
	Servers string // Config.Servers or that of the last SetServers; empty if Config.Resolve names the servers
	State   State
	InState time.Duration // since the last transition
	Why     error         // the reason of the last transition; nil if it needs none

	// Of the connection: zero while there is none.
	Server  string        // the address of the server
	ConnAge time.Duration // since the session was opened or resumed on it

	Session SessionStats // zero before the first session

	// Requests. Those of the client itself, such as heartbeats, are in Queued and
	// InFlight too. Pings are in neither.
	InFlight       int // written, or being written, and not answered
	Queued         int // wait to be written
	WaitingForRoom int // calls that wait because MaxInFlight others are in flight or queued
	MaxInFlight    int // Config.MaxInFlight

	Watches       WatchStats
	Subscriptions []SubscriptionStats // sorted by path

	Sessions   uint64 // how many sessions were opened
	Reconnects uint64 // how often a session went on over another connection
	Expiries   uint64 // how many sessions have expired, without those of read-only servers

	// Unconfirmed is how many sessions are over for the client without a confirmation
	// of a server. The ensemble may still keep the nodes of these sessions. The client
	// tries to close them. See Session.Gone.
	Unconfirmed int

	Companions []CompanionReport // of the companions that are a CompanionReporter, the oldest first
}

// SessionStats is the state of the newest session of a client.
type SessionStats struct {
	ID       int64         // logs show it as 0x and hexadecimal digits
	Age      time.Duration // since it was opened, also when it is over
	Timeout  time.Duration // see Session.Timeout
	ReadOnly bool          // see Session.ReadOnly
	Over     bool          // expired or closed; what follows is zero then

	// ExpiresIn is how long the client waits for an answer before it gives the session
	// up by its own clock. It is less than zero if that is due, and the client has not
	// done it yet.
	ExpiresIn time.Duration

	// LeaseLeft is the rest of the lease, on which guards rest. It is zero when the lease
	// has lapsed. Without a guard the client does not renew the lease, so that it may lapse
	// while all is well.
	LeaseLeft time.Duration
	Guards    int // that rest on the lease
}

// WatchStats counts one-shot watches that have not fired or ended, by what they wait
// for.
type WatchStats struct {
	Data     int // a change of a node: set by GetW, or by ExistsW on a node that was there
	Absent   int // the creation of a node: set by ExistsW on a node that was not there
	Children int // a change of a node's children: set by ChildrenW
}

// SubscriptionStats is the state of a Subscription.
type SubscriptionStats struct {
	Path      string
	Recursive bool
	Waiting   int    // events that the reader has not taken
	Buffer    int    // how many may wait: see Buffer
	Resyncs   uint64 // gaps so far: after a reconnect, and when the reader was too slow
}
