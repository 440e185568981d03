package zk

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// servers is the list of servers in the order in which they are tried, with the
// error of the last try of each. The session loop owns it.
type servers struct {
	hosts  []string
	errs   []error // of the last try, by host
	next   int
	probe  bool            // the last server accepted the session, and then required SASL
	tried  int             // since the last connection
	policy backoff.BackOff // of the pauses between rounds
	fresh  func() backoff.BackOff
}

func newServers(hosts []string, policy func() backoff.BackOff, rnd *rand.Rand) *servers {
	s := &servers{hosts: hosts, errs: make([]error, len(hosts)), policy: policy(), fresh: policy}
	rnd.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	return s
}

// pick returns the next server, and how long to wait before it is tried: only
// after a whole round without success.
func (s *servers) pick() (host string, pause time.Duration) {
	if s.tried > 0 && s.tried%len(s.hosts) == 0 {
		pause = s.policy.NextBackOff()
		if pause < 0 { // a policy with an end: start again
			s.policy = s.fresh()
			pause = max(0, s.policy.NextBackOff())
		}
	}
	s.tried++
	return s.hosts[s.next], pause
}

// failed records why the server that pick returned last has failed, and moves on
// to the next one.
func (s *servers) failed(err error) {
	s.errs[s.next] = fmt.Errorf("%s: %w", s.hosts[s.next], err)
	s.next = (s.next + 1) % len(s.hosts)
}

// enoughLife is how long a connection or a session must have lived to end a
// round. A server that ends every connection or session right away must not be
// hammered.
const enoughLife = time.Second

// lost records that the connection to the server that pick returned last has ended,
// after it lived for the given time. If that was long enough, the client tries the
// next server at once.
func (s *servers) lost(err error, lived time.Duration) {
	s.failed(err)
	if lived >= enoughLife {
		s.tried = 0
		s.policy = s.fresh()
	}
}

// expired records that a server has reported the session as expired, after it lived
// for the given time. The server itself is fine. If the session lived long enough,
// the client opens the next one at once.
func (s *servers) expired(lived time.Duration) {
	if lived >= enoughLife {
		s.tried = 0
	}
}

// defaultBackOff pauses between 0 and a bound that doubles from 50 ms to 5 s:
// full jitter, so that clients that lost the same server do not come back
// together.
func defaultBackOff() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 25 * time.Millisecond // the middle of the interval drawn from
	b.RandomizationFactor = 1
	b.Multiplier = 2
	b.MaxInterval = 2500 * time.Millisecond
	b.MaxElapsedTime = 0
	b.Reset()
	return b
}
