// Package lines has the messages of all log lines of the recipes, and logs them.
package lines

// Line is a message, without the name of the recipe before it. docs/logs.md explains
// each: a test compares that page with this list, and provokes every line.
type Line string

// Of waits and holds.
const (
	QueueListed        Line = "queue listed"
	WatchesPredecessor Line = "watches predecessor"
	WatchEnded         Line = "watch ended"
	Waiting            Line = "waiting"
	GaveUp             Line = "gave up"
	Granted            Line = "granted"
	Released           Line = "released"
	Detached           Line = "detached"
	EndedWithClient    Line = "ended with the client"
	Lost               Line = "lost"
)

// Of work under a context that the recipe passes to it.
const (
	WorkStillRuns    Line = "the work still runs although its context has ended"
	WorkReturnedLate Line = "the work has returned, after its context had ended"
)

// Of elections.
const (
	Leads              Line = "leads"
	Resigned           Line = "resigned"
	HandedOver         Line = "handed over"
	StandsAside        Line = "stands aside"
	CampaignFailed     Line = "campaign failed, it is retried"
	CampaignStillFails Line = "campaign still fails"
	WorkReturned       Line = "the work has returned, the next campaign begins"
)

// Of barriers.
const (
	Raised  Line = "raised"
	Lowered Line = "lowered"
	Open    Line = "open"
	Entered Line = "entered"
	Left    Line = "left"
)

// Of members and instances.
const (
	State             Line = "state"
	StillUnregistered Line = "still unregistered"
)

// Of copies.
const (
	CannotRead      Line = "cannot read, the copy stays as it is"
	StillCannotRead Line = "still cannot read"
	ReadsAgain      Line = "can read again"
	Unreadable      Line = "node has no readable instance"
)

// Of health gates.
const (
	CheckFailed     Line = "health check failed, instance is taken out"
	CheckStillFails Line = "health check still fails"
	CheckPasses     Line = "health check passes again"
	CheckStillRuns  Line = "health check still runs although its context has ended"
	CheckReturned   Line = "health check has returned, after its context had ended"
	NotTakenOut     Line = "taking the instance out is not confirmed, it is retried"
	StillNotOut     Line = "taking the instance out is still not confirmed"
	TakenOut        Line = "taking the instance out is confirmed"
)

// Of the program's own code.
const (
	HookPanic Line = "panic in a hook of Config.Hooks"
	StepPanic Line = "a step panicked, the other steps go on"
)
