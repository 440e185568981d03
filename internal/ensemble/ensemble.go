package ensemble

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"
)

// Fault is a kind of fault that an Ensemble may be able to cause.
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

// Ensemble is one server or several. Members are numbered from 0; a number
// that is not there is an error, or a panic where none is returned. Its methods
// may be called by many goroutines.
type Ensemble interface {
	// Size is the number of members.
	Size() int
	// Servers is the connect string of all members, through their proxies. It
	// stays valid when a member is restarted. Addr is that of one member.
	Servers() string
	Addr(member int) string
	// Direct and DirectAddr lead past the proxies, for whoever checks.
	Direct() string
	DirectAddr(member int) string
	// Clients is the proxy before a member's client port.
	Clients(member int) *Proxy

	// Ready waits until every member answers srvr with its mode.
	Ready(ctx context.Context) error
	// Leader waits until a member says that it leads (a standalone server always
	// does). When two say so, it is the one of the newer epoch.
	Leader(ctx context.Context) (int, error)
	// AwaitLeader is Leader, but not one of except.
	AwaitLeader(ctx context.Context, except ...int) (int, error)
	// FourLetter returns a member's answer to a four-letter word.
	FourLetter(ctx context.Context, member int, word string) (string, error)

	// Kill ends a member at once, Stop lets it shut down; both wait until it is
	// gone. Start runs it again with its data and waits until it serves, or at
	// least until it answers while there is no quorum for it: too few members
	// run and are within its reach. A member that is not running, or is, is an
	// error.
	Kill(member int) error
	Stop(member int) error
	Start(ctx context.Context, member int) error
	// Pause stops a member's process and returns when it stands still; its
	// system goes on taking connections and bytes for it. Resume lets it go on.
	Pause(member int) error
	Resume(member int) error

	// IsolatePeers silences every link between a member and its peers, both
	// ways, without closing anything: packets vanish, and the clients' links
	// are left alone. ResetPeers does it loudly: links are reset and refused.
	IsolatePeers(member int) error
	ResetPeers(member int) error
	// CutPeers silences one direction between two members, DelayPeers delays it
	// (0 ends that).
	CutPeers(from, to int, on bool) error
	DelayPeers(from, to int, d time.Duration) error
	// HealPeers ends all four for a member's links, and lets what was held pass.
	// The faults of a link add up: it stays silent while the member at its other
	// end is isolated.
	HealPeers(member int) error

	// Can reports whether the implementation can cause a kind of fault.
	Can(Fault) bool
	// Tick is the servers' tickTime, SyncLimit in ticks.
	Tick() time.Duration
	SyncLimit() int
	// Logs is the end of every member's log, for the report of a failure.
	Logs() string
	// Close ends all members, paused ones too, and removes their data.
	Close() error
}

// Options say what Start runs. Every zero value selects what is named beside it.
type Options struct {
	Version    Version       // the default server; or V38, V39
	Size       int           // 1; or 3
	TickTime   time.Duration // 200 ms
	InitLimit  int           // 50 ticks
	SyncLimit  int           // 25 ticks
	MinTimeout time.Duration // 2 ticks
	MaxTimeout time.Duration // 60 s
	Extra      []string      // lines of zoo.cfg; they win
	JVM        []string      // flags of the JVM; they win
}

// withDefaults returns o complete, or an error with all that is wrong with it.
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

// Run starts an ensemble that is closed with the test. It fails the test when
// it cannot, with what is missing and how to install it; it never skips. The
// end of the servers' logs is part of what a failed test prints.
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
