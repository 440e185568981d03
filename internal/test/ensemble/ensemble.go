package ensemble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Fault is a kind of fault that an Ensemble may support.
type Fault string

// The kinds of faults.
const (
	FaultKill         Fault = "kill a server"
	FaultPause        Fault = "stop a server's process and let it go on"
	FaultClients      Fault = "cut, silence or delay the clients of a server"
	FaultSwallowReply Fault = "swallow exactly one reply"
	FaultIsolate      Fault = "isolate a server from its peers, its clients left alone"
	FaultOneWay       Fault = "cut one direction between two servers"
	FaultDelayPeers   Fault = "delay one direction between two servers"
)

// Ensemble is one server or several. Members are numbered from 0. A number without
// a member is an error, or a panic in a method that returns no error. Many
// goroutines may call its methods.
type Ensemble interface {
	// Size is the number of members, without spare ones. The spare ones have the numbers
	// from Size on.
	Size() int
	// Servers is the connect string of all members but the spare ones, through their
	// proxies. It stays valid when a member is restarted. Addr is the address of one
	// member.
	Servers() string
	Addr(member int) string
	// Direct and DirectAddr bypass the proxies, for checks.
	Direct() string
	DirectAddr(member int) string
	// Clients returns the proxy before a member's client port.
	Clients(member int) *Proxy

	// Ready waits until every member but the spare ones answers srvr with its mode.
	Ready(ctx context.Context) error
	// Leader waits until a member reports that it leads. A standalone server always
	// leads. If two members report it, Leader returns the one with the newer epoch.
	Leader(ctx context.Context) (int, error)
	// AwaitLeader is Leader, but does not return a member of except.
	AwaitLeader(ctx context.Context, except ...int) (int, error)
	// FourLetter returns a member's answer to a four-letter word.
	FourLetter(ctx context.Context, member int, word string) (string, error)

	// Kill ends a member at once, and Stop lets it shut down. Both wait until its
	// process has ended.
	//
	// Start runs the member again with its data and waits until it serves. If there
	// is no quorum for it, because too few members run and are reachable, Start
	// waits only until it answers.
	//
	// Kill and Stop of a member that does not run, and Start of one that runs,
	// return an error.
	Kill(member int) error
	Stop(member int) error
	Start(ctx context.Context, member int) error
	// Pause stops a member's process and returns when the process stands still. The
	// operating system still accepts connections and bytes for it. Resume lets the
	// process continue.
	Pause(member int) error
	Resume(member int) error

	// IsolatePeers silences every link between a member and its peers in both
	// directions, without closing a connection. The clients' links are not
	// affected. ResetPeers resets the links instead, and refuses new ones.
	IsolatePeers(member int) error
	ResetPeers(member int) error
	// CutPeers silences one direction between two members. DelayPeers delays it; a
	// delay of 0 ends that.
	CutPeers(from, to int, on bool) error
	DelayPeers(from, to int, d time.Duration) error
	// HealPeers ends these four faults for a member's links, and lets held bytes
	// pass. The faults of a link add up: it stays silent while the member at its
	// other end is isolated.
	HealPeers(member int) error

	// Can reports whether the implementation supports a kind of fault.
	Can(Fault) bool
	// Tick is the servers' tickTime. SyncLimit is in ticks.
	Tick() time.Duration
	SyncLimit() int
	// Logs returns the end of every member's log, for the report of a failure.
	Logs() string
	// Close ends all members, paused ones too, and removes their data.
	Close() error
}

// Options say what Start runs. The zero value of a field selects the first value
// named beside it.
type Options struct {
	Version    Version       // the default server; or one of V34 to V39
	Size       int           // 1; or 3
	Reconfig   bool          // false; or the configuration can be changed: see the package's documentation
	Spares     int           // 0; or more members, which are no part of the configuration at first and do not run
	TickTime   time.Duration // 200 ms
	InitLimit  int           // 50 ticks
	SyncLimit  int           // 25 ticks
	MinTimeout time.Duration // 2 ticks
	MaxTimeout time.Duration // 60 s
	Extra      []string      // lines of zoo.cfg; they override the others
	JVM        []string      // flags of the JVM; they override the others
}

// withDefaults returns o with its defaults, or an error with everything that is
// wrong with it.
func (o Options) withDefaults() (Options, error) {
	o.Size = cmp.Or(o.Size, 1)
	o.TickTime = cmp.Or(o.TickTime, 200*time.Millisecond)
	o.InitLimit = cmp.Or(o.InitLimit, 50)
	o.SyncLimit = cmp.Or(o.SyncLimit, 25)
	o.MinTimeout = cmp.Or(o.MinTimeout, 2*o.TickTime)
	o.MaxTimeout = cmp.Or(o.MaxTimeout, max(time.Minute, o.MinTimeout))
	var errs []error
	if o.Size != 1 && o.Size != 3 {
		errs = append(errs, fmt.Errorf("ensemble: Options.Size is %d, want 1 or 3", o.Size))
	}
	if o.Reconfig && o.Size == 1 {
		errs = append(errs, errors.New("ensemble: Options.Reconfig with Size 1: a standalone server has no configuration"))
	}
	if o.Spares < 0 || o.Spares > 0 && !o.Reconfig {
		errs = append(errs, fmt.Errorf("ensemble: Options.Spares is %d, want 0, or more with Reconfig", o.Spares))
	}
	if o.TickTime < time.Millisecond {
		errs = append(errs, fmt.Errorf("ensemble: Options.TickTime is %v, want 1ms or more", o.TickTime))
	}
	if o.InitLimit < 1 || o.SyncLimit < 1 {
		errs = append(errs, fmt.Errorf("ensemble: Options.InitLimit is %d, SyncLimit %d, want 1 or more", o.InitLimit, o.SyncLimit))
	}
	if o.MinTimeout < 0 || o.MaxTimeout < o.MinTimeout {
		errs = append(errs, fmt.Errorf("ensemble: Options.MinTimeout is %v, MaxTimeout %v: nothing lies between", o.MinTimeout, o.MaxTimeout))
	}
	return o, errors.Join(errs...)
}

// Run starts an ensemble that is closed with the test. If it cannot, it fails the
// test, and says what is missing and how to install it. It never skips the test. A
// failed test prints the end of the servers' logs.
func Run(tb testing.TB, o Options) Ensemble {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e, err := Start(ctx, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Log(e.Logs())
		}
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}
