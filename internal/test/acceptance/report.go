package acceptance

import "time"

// what is the kind of a report.
type what string

const (
	tries    what = "tries"    // to acquire
	acquired what = "acquired" // a claim begins
	shared   what = "shared"   // a writer's claim goes on as a reader's
	ended    what = "ended"    // its context ended, or Release is about to be called
	wrote    what = "wrote"    // a guarded write was done
	gaveUp   what = "gave up"  // the try failed for a permitted reason, Why
	idle     what = "idle"     // neither tries nor claims
	observed what = "observed" // an observer saw the leader with Token
	entered  what = "entered"  // a party was let into Round, having asked at From
	refused  what = "refused"  // a party was not, having asked at From
	joined   what = "joined"   // Member belongs to the group Name from now on
	updated  what = "updated"  // its data is stored, by Update called at From
	left     what = "left"     // it leaves; reported before the call
	saw      what = "saw"      // a watcher's view of the group or services Name
	rested   what = "rested"   // no worker of a process contends any more
	blinded  what = "blinded"  // no worker of a process observes any more
	stalled  what = "stalled"  // the process stood still for Hold
	weighed  what = "weighed"  // the process has Heap bytes in use after a collection
	broken   what = "broken"   // a promise was broken: Why
)

// report is one event of a contender. From another process it comes as one line of
// JSON.
type report struct {
	At      time.Duration `json:"at"` // by now()
	What    what          `json:"what"`
	Who     int           `json:"who"`
	Client  int           `json:"client"`
	Name    string        `json:"name,omitempty"` // of the lock or the election
	Token   int64         `json:"token,omitempty"`
	Session int64         `json:"session,omitempty"`
	Hold    time.Duration `json:"hold,omitempty"`    // how long the claim is to last
	Version int32         `json:"version,omitempty"` // of the store after the write
	Zxid    int64         `json:"zxid,omitempty"`    // of the write
	Why     string        `json:"why,omitempty"`
	Reader  bool          `json:"reader,omitempty"`  // of a claim: others may have one too
	Permits int           `json:"permits,omitempty"` // of a claim
	From    time.Duration `json:"from,omitempty"`
	Heap    uint64        `json:"heap,omitempty"`
	Round   int64         `json:"round,omitempty"`
	Member  string        `json:"member,omitempty"`
	Members []string      `json:"members,omitempty"` // of a view
	Stale   bool          `json:"stale,omitempty"`   // the view is the last one known
	Gone    []gone        `json:"gone,omitempty"`    // since the view before
}

// gone is a registration whose end a watcher has seen.
type gone struct {
	Member  string `json:"member"`
	Session int64  `json:"session"`
}

// teller receives reports. Many goroutines may call it.
type teller func(report)
