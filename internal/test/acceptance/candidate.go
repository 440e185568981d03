package acceptance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
)

const electionDir = "/election"

// candidate stands for election repeatedly.
type candidate struct{ contender }

// run stands for election until ctx ends.
func (k *candidate) run(ctx context.Context) {
	e := election.New(k.c, electionDir, election.Config{ID: fmt.Sprint("candidate ", k.who)})
	for ctx.Err() == nil {
		k.say(report{What: tries, Name: electionDir})
		var err error
		if k.rnd.IntN(2) == 0 {
			// Ends when a term was not cut short, or with ctx.
			err = e.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
				return k.lead(ctx, l)
			})
		} else {
			err = k.campaign(ctx, e)
		}
		if err != nil && !forgivable(ctx, err) {
			k.say(report{What: broken, Why: "election: " + err.Error()})
		}
		k.say(report{What: idle})
		pause(ctx, time.Duration(k.rnd.IntN(50))*time.Millisecond)
	}
}

// forgivable reports whether an election may end with err under faults.
func forgivable(ctx context.Context, err error) bool {
	op, isOp := errors.AsType[*zk.OpError](err)
	return ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, zk.ErrUnconfirmed) ||
		isOp && op.Outcome != zk.OutcomeRejected
}

func (k *candidate) campaign(ctx context.Context, e *election.Election) error {
	patience := 20 * time.Second
	if k.rnd.IntN(4) == 0 {
		patience = time.Duration(1+k.rnd.IntN(500)) * time.Millisecond
	}
	campaign, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	l, err := e.Campaign(campaign)
	if err != nil {
		return err
	}
	_ = k.lead(l.Context(), l)
	resign, cancelResign := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancelResign()
	return l.Resign(resign)
}

// lead is one term of office.
func (k *candidate) lead(ctx context.Context, l *election.Leadership) error {
	length := time.Duration(10+k.rnd.IntN(200)) * time.Millisecond
	if k.rnd.IntN(10) == 0 {
		length = time.Duration(500+k.rnd.IntN(4000)) * time.Millisecond
	}
	defer claim(k.say, report{Name: electionDir, Token: l.Token(), Hold: length}, l.Context()).end()
	err := l.Proclaim(ctx, fmt.Appendf(nil, "candidate %d, token %d", k.who, l.Token()))
	pause(ctx, length)
	if ctx.Err() != nil {
		return fmt.Errorf("deposed: %w", context.Cause(ctx))
	}
	if errors.Is(err, election.ErrNotLeader) {
		return nil // the node was deleted just before the context ended
	}
	return err
}

// observe reports every leader that it sees, until ctx ends.
func (k *contender) observe(ctx context.Context) {
	for o, err := range election.New(k.c, electionDir, election.Config{}).Observe(ctx) {
		switch {
		case err != nil && ctx.Err() == nil:
			k.say(report{What: broken, Why: "observer: " + err.Error()})
		case err == nil && o.State == election.Led:
			k.say(report{What: observed, Token: o.Leader.Token})
		}
	}
}
