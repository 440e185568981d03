package contend

import "time"

// Choice is what a candidate does when its turn has come.
type Choice struct {
	Aside  bool // stand aside: go to the end of the queue
	Named  bool // the last leader has named another candidate
	Higher int  // how many candidates behind have a higher priority
}

// mostAside bounds how often in a row a candidate stands aside for a higher
// priority. Candidates of a high priority that crash and come back over and over
// could otherwise keep all others from leading for ever.
const mostAside = 8

// patience counts how often in a row a candidate has stood aside in vain. Two
// things do not count:
//
// Standing aside for a candidate that was named. Only a leader can name a
// candidate, no name is used twice, and after we have stood aside the named
// candidate is ahead of us. So each time another candidate has led: we wait, but
// the election makes progress.
//
// Standing aside for a higher priority, if a candidate that passed us has then led
// for long. We cannot see whether the first in the queue leads or is dead: its node
// stays until its session has expired. But a dead candidate's node is gone after
// one session timeout T and a tick of the server, which is less than 2T. We let n
// candidates pass, so our next turn comes before 2T·n if all of them crash as soon
// as they are first. If it comes later, at least one of them has led. A crash loop
// is thus always counted, for every n, and ends after mostAside rounds.
//
// T is the timeout of our own session, so all candidates of one election should ask
// for the same timeout. A candidate with more than twice our timeout that crashes
// looks as if it had led.
type patience struct {
	times int       // how often in a row
	since time.Time // when we last stood aside

	// If our next turn comes later than this after since, somebody has led.
	long time.Duration
}

// allows reports whether we stand aside as c says. If it returns false, we lead.
func (p *patience) allows(c Choice) bool {
	if !c.Aside || c.Named {
		return c.Aside
	}
	if time.Since(p.since) >= p.long {
		p.times = 0
	}
	return p.times < mostAside
}

// spend records that we stand aside now. timeout is that of our session.
func (p *patience) spend(c Choice, timeout time.Duration) {
	passing := c.Higher
	if c.Named {
		passing++
	} else {
		p.times++
	}
	p.since, p.long = time.Now(), 2*timeout*time.Duration(passing)
}
