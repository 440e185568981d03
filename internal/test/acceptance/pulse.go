package acceptance

import (
	"context"
	"sync"
	"time"
)

// pulse notices when the machine hardly runs this process. The client is not to
// blame for the time that a call takes then.
type pulse struct {
	beater sync.WaitGroup

	mu   sync.Mutex // guards the fields below
	gaps []gap
	last time.Duration // the newest beat
}

type gap struct{ from, to time.Duration }

const (
	beat   = 20 * time.Millisecond
	missed = 200 * time.Millisecond // beyond it a beat counts as missed
)

// start begins to watch, and reports every gap until ctx ends.
func (p *pulse) start(ctx context.Context, tell teller) {
	p.beater.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		p.beat()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if stood := p.beat(); stood > missed {
				tell(report{At: now(), What: stalled, Hold: stood})
			}
		}
	})
}

// beat returns the time since the one before.
func (p *pulse) beat() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := now()
	g := gap{p.last, at}
	p.last = at
	if g.from == 0 {
		return 0
	}
	if g.to-g.from > missed {
		p.gaps = append(p.gaps, g)
	}
	return g.to - g.from
}

// lost returns for how long the process stood still since a time. When the process
// continues, lost may be called before the next beat. That gap counts too.
func (p *pulse) lost(since time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var sum time.Duration
	if at := now(); p.last > 0 && at-p.last > missed {
		sum = at - max(p.last, since)
	}
	for _, g := range p.gaps {
		sum += max(0, g.to-max(g.from, since))
	}
	return sum
}
