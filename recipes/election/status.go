package election

import "errors"

// State says what an Election does now.
type State uint8

// The states of an Election.
const (
	// Idle: it neither leads nor campaigns. No Campaign or Run is under way, or lead has
	// not returned although its leadership was lost.
	Idle State = iota
	// Campaigning: a Campaign or Run is under way. Its candidate is in the queue, or
	// tries to get there.
	Campaigning
	// Leading: IsLeader is true.
	Leading
)

// String returns the state's name.
func (s State) String() string {
	switch s {
	case Campaigning:
		return "campaigning"
	case Leading:
		return "leading"
	}
	return "idle"
}

// Status is the state of an Election at one time.
type Status struct {
	State      State
	Leadership *Leadership // while State is Leading, else nil
}

// String returns the state, and the leadership while there is one. It is one line.
func (s Status) String() string {
	if s.Leadership != nil {
		return s.State.String() + ": " + s.Leadership.String()
	}
	return s.State.String()
}

// errIdle is the error of Ready.
var errIdle = errors.New("election: neither leader nor candidate: no Campaign or Run is under way, or the lead of an ended leadership has not returned")

// Ready returns nil for a leader and for a candidate. Whether the client is connected
// is another question: see package zk/zkhealth.
func (s Status) Ready() error {
	if s.State == Idle {
		return errIdle
	}
	return nil
}

// Status returns what the Election does now, from memory. It makes no request and does
// not allocate. If several campaigns are under way, a leading one decides.
func (e *Election) Status() Status {
	if l := e.Leading(); l != nil {
		return Status{State: Leading, Leadership: l}
	}
	if e.memory.candidates.Load() > 0 {
		return Status{State: Campaigning}
	}
	return Status{}
}
