package zktest

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Config says how the embedded server behaves. The zero value is a single
// server with a tick of 200 ms. New copies it.
type Config struct {
	// Version is the release line of Apache ZooKeeper that the server behaves
	// like; the zero value is V3_9.
	Version Version

	// Servers is how many front ends ("members") share the one tree; 0 is 1.
	// Each has a name of its own in ConnectString and its own faults.
	Servers int

	// TickTime is the granularity of session expiry: a session ends at the
	// first multiple of TickTime, counted from the start of the server, that
	// is later than its last touch plus its timeout. 0 is 200 ms.
	TickTime time.Duration

	// MinSessionTimeout and MaxSessionTimeout bound what a client may ask for;
	// whatever is outside is moved to the nearest bound. 0 is 2 x TickTime and
	// 60 s (or the minimum, if that is larger).
	MinSessionTimeout, MaxSessionTimeout time.Duration

	// SyncLimit is the number of ticks after which a member that was cut from
	// its leader notices it, closes its clients and refuses new ones; 0 is 5.
	SyncLimit int

	// MaxRequestSize is the largest frame that is accepted; the connection that
	// sends a larger one is closed without a reply. 0 is 1,048,575, the default
	// of jute.maxbuffer.
	MaxRequestSize int

	// ReapInterval is how often containers that have become empty and nodes
	// whose TTL is over are removed; 0 is one minute, as Apache ZooKeeper has
	// it, negative is never. See also Server.Reap.
	ReapInterval time.Duration

	// Logger gets one debug line for each connection, session and fault; nil
	// discards them.
	Logger *slog.Logger

	// DisableWatchAndContainer makes the server an old one: addWatch,
	// setWatches2, createContainer and createTTL are answered Unimplemented.
	// Like any server that is sent an op that it has never heard of, it closes
	// the connection behind that answer; only createTTL, which newer servers
	// refuse too unless it was switched on, leaves the connection open.
	DisableWatchAndContainer bool
}

// maxRequestSize is the default of Apache ZooKeeper's jute.maxbuffer.
const maxRequestSize = 0xfffff

func (c Config) withDefaults() (Config, error) {
	var errs []error
	notNegative := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("zktest: Config.%s is negative (%d)", name, v))
		}
	}
	if c.Version != V3_9 && c.Version != V3_8 {
		errs = append(errs, fmt.Errorf("zktest: Config.Version is %d, want V3_9 or V3_8", int(c.Version)))
	}
	notNegative("Servers", int64(c.Servers))
	notNegative("TickTime", int64(c.TickTime))
	notNegative("MinSessionTimeout", int64(c.MinSessionTimeout))
	notNegative("MaxSessionTimeout", int64(c.MaxSessionTimeout))
	notNegative("SyncLimit", int64(c.SyncLimit))
	notNegative("MaxRequestSize", int64(c.MaxRequestSize))
	if c.TickTime > 0 && c.TickTime < time.Millisecond {
		errs = append(errs, fmt.Errorf("zktest: Config.TickTime %v is below 1ms", c.TickTime))
	}

	c.Servers = cmp.Or(c.Servers, 1)
	c.TickTime = cmp.Or(c.TickTime, 200*time.Millisecond)
	c.MinSessionTimeout = cmp.Or(c.MinSessionTimeout, 2*c.TickTime)
	c.MaxSessionTimeout = cmp.Or(c.MaxSessionTimeout, max(time.Minute, c.MinSessionTimeout))
	c.SyncLimit = cmp.Or(c.SyncLimit, 5)
	c.MaxRequestSize = cmp.Or(c.MaxRequestSize, maxRequestSize)
	c.ReapInterval = cmp.Or(c.ReapInterval, time.Minute)
	c.Logger = cmp.Or(c.Logger, slog.New(slog.DiscardHandler))
	if c.MaxSessionTimeout < c.MinSessionTimeout {
		errs = append(errs, fmt.Errorf("zktest: Config.MaxSessionTimeout %v is below MinSessionTimeout %v",
			c.MaxSessionTimeout, c.MinSessionTimeout))
	}
	return c, errors.Join(errs...)
}

// clamp returns the session timeout that a client gets which asked for d.
func (c *Config) clamp(d time.Duration) time.Duration {
	return min(max(d, c.MinSessionTimeout), c.MaxSessionTimeout)
}
