package acceptance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
)

const (
	barrierDir = "/barrier"
	parties    = 3
)

// party takes part in the rounds of a double barrier.
type party struct {
	contender
	d *barrier.Double
}

// run enters and leaves until ctx ends.
func (k *party) run(ctx context.Context) {
	k.d = barrier.NewDouble(k.c, barrierDir, parties, barrier.DoubleConfig{})
	for ctx.Err() == nil {
		k.round(ctx)
		pause(ctx, time.Duration(k.rnd.IntN(50))*time.Millisecond)
	}
}

// partyPatience is longer than any fault. A party that the others have left behind
// then fails by its time limit.
const partyPatience = 15 * time.Second

func (k *party) round(ctx context.Context) {
	patience := partyPatience
	if k.rnd.IntN(8) == 0 { // gives up at random
		patience = time.Duration(1+k.rnd.IntN(400)) * time.Millisecond
	}
	enter, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	from := now()
	e, err := k.d.Enter(enter)
	if err != nil {
		k.say(report{What: refused, From: from, Why: err.Error()})
		k.inTime("enter", from, patience, err)
		if enter.Err() == nil && !forgivable(enter, err) && !errors.Is(err, barrier.ErrTooMany) && !sessionEnded(err) {
			k.say(report{What: broken, Why: "enter: " + err.Error()})
		}
		return
	}
	k.say(report{What: entered, From: from, Round: e.Round()})
	pause(e.Context(), time.Duration(k.rnd.IntN(20))*time.Millisecond)
	leave, cancelLeave := context.WithTimeout(context.Background(), partyPatience)
	defer cancelLeave()
	if err := e.Leave(leave); err != nil && !forgivable(leave, err) && !errors.Is(err, barrier.ErrLost) && !sessionEnded(err) {
		k.say(report{What: broken, Why: "leave: " + err.Error()})
	}
}

// sessionEnded reports whether err can result from the end of the session. When a
// session is ended from outside, the server reports the deletion of its node first.
// No other client deletes nodes here.
func sessionEnded(err error) bool {
	return errors.Is(err, zk.ErrSessionExpired) || errors.Is(err, barrier.ErrDeleted)
}

// rounds checks the reports of the parties. No party is let in before all have
// asked. A party that had asked when the others were let in is not left waiting.
//
// A party that has given up may still be counted while its node exists. It exists
// for a while, until the client could delete it.
func rounds(reports []report) error {
	const ghost = 3 * sessionTimeout
	slices.SortFunc(reports, func(a, b report) int { return cmp.Compare(a.At, b.At) })
	type round struct {
		first report
		in    map[int]bool
	}
	all := map[int64]*round{}
	for _, r := range reports {
		if r.What != entered {
			continue
		}
		if all[r.Round] == nil {
			all[r.Round] = &round{first: r, in: map[int]bool{}}
		}
		if all[r.Round].in[r.Who] {
			return fmt.Errorf("party %d entered round 0x%x twice", r.Who, r.Round)
		}
		all[r.Round].in[r.Who] = true
	}
	for id, n := range all {
		asked := map[int]bool{}
		for _, r := range reports {
			switch at := n.first.At; {
			case r.From > at:
			case r.What == entered && r.Round == id, r.What == refused && r.At > at-ghost:
				asked[r.Who] = true
			}
			if r.What == refused && r.From < n.first.At && r.At-r.From >= partyPatience && n.first.At < r.At-partyPatience/2 {
				return fmt.Errorf("party %d asked at %v and was left behind by those who entered round 0x%x at %v", r.Who, r.From, id, n.first.At)
			}
		}
		if len(asked) < parties {
			return fmt.Errorf("party %d entered round 0x%x at %v, when only %v had asked", n.first.Who, id, n.first.At, asked)
		}
	}
	return nil
}
