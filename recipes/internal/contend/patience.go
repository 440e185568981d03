package contend

import "time"

// Choice is what a candidate does when its turn has come.
type Choice struct {
	Aside  bool // go to the end of the queue
	Named  bool // the last leader has named another
	Higher int  // how many of those behind have a higher priority
}

// mostAside bounds how often in a row a candidate stands aside for a higher
// priority. Candidates of a high priority that crash and come back over and over
// could otherwise keep all others from leading for ever.
const mostAside = 8

// patience counts how often in a row a candidate has stood aside in vain. Two
// things do not count:
//
// Standing aside for a candidate that was named. Only a leader can name one, a
// name does not come again, and after we have stood aside the named one is ahead
// of us. So each of these costs a leadership of somebody else: we wait, but
// somebody leads.
//
// Standing aside for a higher priority, if those whom we let pass have then led
// for long. We cannot see whether the first in the queue leads or is dead: its
// node stays until its session has expired. But a dead one is gone after one
// session timeout T and a tick of the server, which is less than 2T. We let n
// candidates pass, so our next turn comes before 2T·n if all of them crash as soon
// as they are first. If it comes later, at least one of them has led. A crash loop
// is thus always counted, whatever n is, and ends after mostAside rounds.
//
// This takes T from our own session: candidates of one election should ask for
// the same session timeout. One with more than twice ours looks, when it crashes,
// like one that has led.
type patience struct {
	times int           // how often in a row
	since time.Time     // when we last stood aside
	long  time.Duration // how much later our turn comes only if somebody has led
}

// allows reports whether we do what was chosen: false if we lead.
func (p *patience) allows(c Choice) bool {
	if !c.Aside || c.Named {
		return c.Aside
	}
	if time.Since(p.since) >= p.long {
		p.times = 0
	}
	return p.times < mostAside
}

// spend notes that we stand aside now. timeout is that of our session.
func (p *patience) spend(c Choice, timeout time.Duration) {
	passing := c.Higher
	if c.Named {
		passing++
	} else {
		p.times++
	}
	p.since, p.long = time.Now(), 2*timeout*time.Duration(passing)
}
