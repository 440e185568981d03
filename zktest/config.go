package zktest

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Config says how the embedded server behaves. The zero value is one server with
// a tick of 200 ms. New copies the Config.
type Config struct {
	// Version is the release line of Apache ZooKeeper that the server imitates, from
	// V3_4 to V3_9. The zero value is V3_9.
	Version Version

	// Servers is the number of members, which share one tree; 0 is 1. Each member
	// has a name in ConnectString, and its own connections, watches and faults.
	Servers int

	// TickTime is the granularity of session expiry; 0 is 200 ms. A session ends
	// at a multiple of TickTime, counted from the start of the server. It is the
	// first one later than the last touch of the session plus its timeout.
	TickTime time.Duration

	// MinSessionTimeout and MaxSessionTimeout bound the session timeout. A client
	// that asks for less or more gets the nearest bound. 0 is 2 x TickTime for the
	// minimum, and 60 s (or the minimum, if that is larger) for the maximum.
	MinSessionTimeout, MaxSessionTimeout time.Duration

	// SyncLimit is the number of ticks after which a member notices that it was
	// cut from its leader; 0 is 5. It then closes its client connections and
	// refuses new ones.
	SyncLimit int

	// MaxRequestSize is the largest frame that the server accepts. It closes a
	// connection that sends a larger one, without a reply. 0 is 1,048,575, the
	// default of jute.maxbuffer.
	MaxRequestSize int

	// ReapInterval is the interval at which the server removes containers that
	// have become empty and nodes whose TTL has passed. 0 is one minute, as in
	// Apache ZooKeeper; negative is never. See also Server.Reap.
	ReapInterval time.Duration

	// ReconfigEnabled lets clients change the configuration of the ensemble, if it has
	// two members or more. The node /zookeeper/config has it. Only the super user may
	// change it, unless the ACL of that node is changed. A change is checked and
	// published as in Apache ZooKeeper, but the members stay as they are.
	ReconfigEnabled bool

	// SuperPassword is the password of the super user, to whom no ACL applies. A client
	// becomes the super user by the scheme digest, as "super". "" is no super user.
	SuperPassword string

	// FourLetterWords are the four-letter words that the members answer, as
	// 4lw.commands.whitelist. Nil is all that the server knows: ruok, srvr, mntr, cons,
	// wchs, dirs, isro, conf and envi.
	FourLetterWords []string

	// EnforceQuota makes the server refuse writes beyond the hard limits of quotas, as
	// enforceQuota does from 3.7 on. It counts the nodes and bytes under a quota also
	// without it.
	EnforceQuota bool

	// SASLUsers, if not nil, makes the server accept SASL DIGEST-MD5. It returns the
	// password of a user, another one each time if it likes. It must neither block nor
	// call the server. See also Server.RequireAuth.
	SASLUsers func(user string) (password string, known bool)

	// TLS, if not nil, makes every connection a TLS one, as a secureClientPort does: those
	// of DialContext, Listen and ServeConn. It needs a certificate for the names of the
	// members ("zk1", "zk2", ...), and for those that clients of Listen use. An [Authority]
	// makes one. In a testing/synctest bubble the time is 2000 at first.
	//
	// A client certificate that TLS has verified (tls.Config.ClientAuth) proves the
	// identity "x509" with its subject, as in zk.X509ACL.
	TLS *tls.Config

	// Logger gets a debug line when a connection ends, and when a session opens
	// or ends; nil discards them.
	Logger *slog.Logger

	// DisableWatchAndContainer imitates an old server, which answers addWatch,
	// setWatches2, createContainer and createTTL with Unimplemented. It also
	// closes the connection after that answer, as every server does after an op
	// that it does not know. Only after createTTL the connection stays open: newer
	// servers know that op too, and refuse it unless it was enabled.
	DisableWatchAndContainer bool
}

// schemes returns the schemes of ACLs that the server has beside world, auth, digest and
// ip.
func (c *Config) schemes() []string {
	switch {
	case c.SASLUsers != nil && c.TLS != nil:
		return []string{"sasl", "x509"}
	case c.SASLUsers != nil:
		return []string{"sasl"}
	case c.TLS != nil:
		return []string{"x509"}
	}
	return nil
}

// maxRequestSize is the default of jute.maxbuffer in Apache ZooKeeper.
const maxRequestSize = 0xfffff

func (c Config) withDefaults() (Config, error) {
	var errs []error
	notNegative := func(name string, v int64) {
		if v < 0 {
			errs = append(errs, fmt.Errorf("zktest: Config.%s is negative (%d)", name, v))
		}
	}
	if !c.Version.valid() {
		errs = append(errs, fmt.Errorf("zktest: Config.Version is %d, want one of V3_9 to V3_4", int(c.Version)))
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
	if t := c.TLS; t != nil && len(t.Certificates) == 0 && t.GetCertificate == nil && t.GetConfigForClient == nil {
		errs = append(errs, errors.New("zktest: Config.TLS has no certificate: use that of Authority.ServerTLS"))
	}
	c.TLS = c.TLS.Clone()                               // nil stays nil
	c.FourLetterWords = slices.Clone(c.FourLetterWords) // nil stays nil
	return c, errors.Join(errs...)
}

// clamp returns the session timeout for a client that asks for d.
func (c *Config) clamp(d time.Duration) time.Duration {
	return min(max(d, c.MinSessionTimeout), c.MaxSessionTimeout)
}
