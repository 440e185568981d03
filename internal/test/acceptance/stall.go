package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// stall is a way to keep a server from hearing of its clients between two of its
// leader's PINGs, before the leader loses that server.
//
//  1. The leader pings its followers every half tick. A follower's answer lists the
//     sessions that it has heard of since the last PING.
//  2. The stall covers the whole time between two such answers, so the second one
//     lists nothing.
//  3. The requests arrive right after it, and are answered.
//  4. Before the next PING the follower is lost. The leader counts from the answer
//     before the stall, a tick ago.
type stall struct {
	name string
	// stop is true if the clients' process is stopped, false if the proxy holds
	// their requests.
	stop bool
	// pings is how many PINGs the stall covers.
	pings int
	// late is true if the answer before the stall is late, because the PING was
	// held on its way. The stall then covers two PINGs in less than a tick, which
	// is as long as a client bears without an answer.
	late bool
	// writes is true if the holders write once the stall is over. Before it they
	// only send heartbeats: a client leaves a server that answers no request for a
	// quarter of the timeout, which is half a tick. always is for a
	// process that is stopped, which cannot notice that.
	writes, always bool
	// isolate is true if the follower is isolated in the end, false if it is
	// killed.
	isolate bool
}

var stalls = []stall{
	{name: "requests are held", pings: 1},
	{name: "requests are held, the program writes", pings: 1, writes: true},
	{name: "requests and a PING are held", pings: 2, late: true},
	{name: "requests and a PING are held, the program writes", pings: 2, late: true, writes: true},
	{name: "the process stops for half a tick, then writes", pings: 1, stop: true, writes: true},
	{name: "the process writes and stops for a tick", pings: 2, stop: true, writes: true, always: true},
	{name: "requests are held, the follower is isolated", pings: 1, isolate: true},
}

// pinged is an ensemble whose leader's PINGs a test can see.
type pinged interface {
	ensemble.Ensemble
	LastPing(leader, follower int) time.Time
}

// errMissed means that a round could not be carried out, because the machine was
// busy.
var errMissed = errors.New("acceptance: the machine was too busy for the round")

// A session that the leader knows to live at an instant x expires at the first
// multiple of a tick, on the leader's monotonic clock, that is later than x + T.
// So the instant decides how much longer than T the session lives. The leader's
// clock is that of now(). In each round the leader learns of the touches between
// nearest and farthest before a multiple of a tick:
const (
	nearest  = 15 * time.Millisecond
	farthest = 80 * time.Millisecond
)

// trial is one stall in progress.
type trial struct {
	stall
	e       pinged
	leader  int
	member  int // the follower that is lost
	clients *ensemble.Proxy
	crowd   *process
	rnd     *rand.Rand

	known   time.Duration // when the leader learned of the touches before the stall
	moments []moment
}

// moment is an event, for the report of an overlap.
type moment struct {
	what string
	at   time.Duration
}

func (s *trial) note(what string) { s.moments = append(s.moments, moment{what, now()}) }

func (s *trial) half() time.Duration { return s.e.Tick() / 2 }

// phase is when the PINGs come, modulo half a tick, from which the round can
// start: as late as the rule above asks, or so early that a PING can be held until
// then. The later the PING comes, the fewer clients bear the stall, and the longer two
// holders of a lease that it deceives hold a lock.
func (s *trial) phase() (from, to time.Duration) {
	if s.late {
		return s.half() * 4 / 100, s.half() * 25 / 100
	}
	return s.half() - farthest, s.half() - nearest
}

// align stops the leader over some of its PINGs, if they come at other times than
// the stall needs: the leader sends such a PING as soon as it goes on, and counts half
// a tick from there. It is never stopped for so long that a client leaves its server.
func (s *trial) align(ctx context.Context) error {
	from, to := s.phase()
	target := from + 5*time.Millisecond + time.Duration(s.rnd.Int64N(int64(to-from)/2))
	last, err := s.nextPing(ctx, 0)
	for try := 0; err == nil; try++ {
		if at := last % s.half(); at >= from && at < to {
			return nil
		}
		if try == 10 {
			return fmt.Errorf("%w: the leader's PINGs do not come when they are to", errMissed)
		}
		next := last + s.half()
		goOn := after(next+10*time.Millisecond, target, s.half())
		if goOn > next+s.half()/2 {
			goOn = next + s.half()*9/20
		}
		sleepUntil(ctx, next-40*time.Millisecond)
		if err := s.e.Pause(s.leader); err != nil {
			return err
		}
		sleepUntil(ctx, goOn)
		if err := s.e.Resume(s.leader); err != nil {
			return err
		}
		last, err = s.nextPing(ctx, last)
	}
	return err
}

// after returns the first instant from t on that is phase modulo period.
func after(t, phase, period time.Duration) time.Duration {
	return t + (phase-t%period+period)%period
}

func sleepUntil(ctx context.Context, t time.Duration) { pause(ctx, t-now()) }

// nextPing waits for a PING to the follower that is newer than one sent at last,
// and returns when it was sent.
func (s *trial) nextPing(ctx context.Context, last time.Duration) (time.Duration, error) {
	end := now() + 5*s.half()
	if last == 0 {
		last = s.lastPing()
	}
	for now() < end && ctx.Err() == nil {
		// A millisecond is for two readings of the clock that differ a little.
		if at := s.lastPing(); at > last+time.Millisecond {
			return at, nil
		}
		pause(ctx, time.Millisecond)
	}
	return 0, fmt.Errorf("%w: no PING came", errMissed)
}

func (s *trial) lastPing() time.Duration {
	return now() - time.Since(s.e.LastPing(s.leader, s.member))
}

// run lets the stall happen and the follower be lost. The leader must come to know
// of all touches before the stall, and of none after it.
func (s *trial) run(ctx context.Context) error {
	last, err := s.learn(ctx)
	for try := 0; errors.Is(err, errMissed) && try < 5; try++ {
		last, err = s.learn(ctx)
	}
	if err != nil {
		return err
	}
	if err := s.hold(); err != nil {
		return err
	}
	s.note("the stall has begun")
	for range s.pings {
		if last, err = s.nextPing(ctx, last); err != nil {
			return errors.Join(err, s.release())
		}
		s.moments = append(s.moments, moment{"a PING that the stall covers", last})
	}
	// The follower answers within some milliseconds, with nothing to report.
	pause(ctx, time.Duration(5+s.rnd.IntN(10))*time.Millisecond)
	if s.writes && !s.always {
		s.crowd.rest() // the order to write
	}
	if err := s.release(); err != nil {
		return err
	}
	s.note("the stall is over")
	sleepUntil(ctx, last+s.half()-s.early())
	s.note("the follower is about to be lost")
	defer s.note("the follower is lost")
	if s.isolate {
		return s.e.IsolatePeers(s.member)
	}
	return s.e.Kill(s.member)
}

// early is how long before the next PING the follower is lost: mostly shortly
// before it, since what the clients learn until then counts for nothing.
func (s *trial) early() time.Duration {
	within := 60
	switch {
	case s.rnd.IntN(5) == 0:
		within = 900
	case s.writes:
		within = 250
	}
	return s.half() * time.Duration(3+s.rnd.IntN(within)) / 1000
}

// learn waits for a PING whose answer comes at a good time, or holds it until
// then. It returns when the leader sent it.
func (s *trial) learn(ctx context.Context) (time.Duration, error) {
	// The good time of a tick, which has two PINGs.
	good := func(at time.Duration) bool {
		from, to := s.phase()
		return at%s.e.Tick() >= s.half()+from && at%s.e.Tick() < s.half()+to
	}
	if err := s.align(ctx); err != nil {
		return 0, err
	}
	last, err := s.nextPing(ctx, 0)
	for ; err == nil; last, err = s.nextPing(ctx, last) {
		if next := last + s.half(); !good(next) {
			if at := last % s.half(); !good(last) && !good(next) {
				return 0, fmt.Errorf("%w: the leader's PINGs have drifted to %v", errMissed, at)
			}
			continue
		}
		if !s.late {
			if last, err = s.nextPing(ctx, last); err != nil {
				return 0, err
			}
			if !good(last) {
				return 0, fmt.Errorf("%w: the leader's PING came at %v of a tick", errMissed, last%s.e.Tick())
			}
			pause(ctx, 2*time.Millisecond) // for the answer
			s.known = last
			return last, nil
		}
		return s.learnLate(ctx, last)
	}
	return 0, err
}

// learnLate holds the PING that follows the one sent at last.
func (s *trial) learnLate(ctx context.Context, last time.Duration) (time.Duration, error) {
	sleepUntil(ctx, last+s.half()-20*time.Millisecond)
	if err := s.e.CutPeers(s.leader, s.member, true); err != nil {
		return 0, err
	}
	last, err := s.nextPing(ctx, last)
	if err == nil {
		before := nearest + time.Duration(s.rnd.Int64N(int64(farthest-nearest)))
		sleepUntil(ctx, after(last, s.e.Tick()-before, s.e.Tick()))
	}
	s.known = now()
	if err := errors.Join(err, s.e.CutPeers(s.leader, s.member, false)); err != nil {
		return 0, err
	}
	pause(ctx, 2*time.Millisecond) // for the answer
	return last, nil
}

func (s *trial) hold() error {
	if s.stop {
		return ensemble.PauseProcess(s.crowd.cmd.Process)
	}
	s.clients.Blackhole(ensemble.ToServer, true)
	return nil
}

func (s *trial) release() error {
	if s.stop {
		return ensemble.ResumeProcess(s.crowd.cmd.Process)
	}
	s.clients.Blackhole(ensemble.ToServer, false)
	return nil
}

// expiry is when the leader expires the sessions, if it learned of no later touch.
func (s *trial) expiry(timeout time.Duration) time.Duration {
	return ((s.known+timeout)/s.e.Tick() + 1) * s.e.Tick()
}
