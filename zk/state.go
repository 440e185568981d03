package zk

// State is the state of the client's connection to the ensemble.
//
//	connecting ──session opened──▶ connected ◀──resumed──▶ disconnected
//	     ▲                                                      │
//	     └───────────────── expired ◀──server or clock says so──┘
//	read-only: in the place of connected, with Config.ReadOnly and a server without quorum
//	auth failed: the ensemble refused a credential, or requires SASL or another scheme
//	and the client did not do it; tried again with back-off
//	closed: the end
type State uint8

// The states of a client.
const (
	StateConnecting   State = iota // no session yet
	StateConnected                 // a session and a connection
	StateDisconnected              // a session that may still be alive, no connection
	StateExpired                   // the last session is over; a new one is being opened
	StateAuthFailed                // an Authenticator of Config.Auth was refused, or the server requires SASL or another scheme
	StateClosed                    // Close has ended the client
	StateReadOnly                  // a server without quorum serves reads: see Config.ReadOnly
)

// String returns the state's name.
func (s State) String() string {
	return nameOf(s, "connecting", "connected", "disconnected", "expired", "auth failed", "closed", "read-only")
}
