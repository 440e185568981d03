package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// round is one run of one cell: three contenders for one lock, and one fault.
type round struct {
	program program
	library string
	fault   fault
	number  int

	rig     *rig
	binary  string
	timeout time.Duration // of the sessions
	dir     string
	record  *record

	a, b, c  *child
	grantedB <-chan struct{}
	hung     []string // what did not return in time
	left     int      // nodes when all have released, and live on
	stayed   int      // nodes when all have ended
	gone     bool     // see verdict
	twice    bool
}

const (
	// patience is how long anything may take when the fault has ended. It is more than
	// any of the programs takes that gets on with it.
	patience = 15 * time.Second
	// hold is how long B holds the lock while C waits.
	hold = 700 * time.Millisecond
	// tidy is how long nodes may stay that a program deletes in the background.
	tidy = 2 * time.Second
)

// timeouts returns a number of session timeouts.
func (r *round) timeouts(n float64) time.Duration { return time.Duration(n * float64(r.timeout)) }

// run runs the round. An error means that it did not get as far as the fault, or that
// the harness failed: it does not count.
func (r *round) run(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	r.record = &record{start: time.Now()}
	r.hung, r.left, r.stayed, r.gone, r.twice = nil, 0, 0, false, false
	if r.dir, err = r.rig.dir(ctx); err != nil {
		return err
	}
	for who, c := range map[string]**child{"A": &r.a, "B": &r.b, "C": &r.c} {
		if *c, err = r.rig.start(who, r.binary, r.dir, r.timeout, r.record); err != nil {
			return err
		}
		defer (*c).kill()
	}
	for _, c := range []*child{r.a, r.b, r.c} {
		if !within(patience, c.ready) {
			return fmt.Errorf("%s did not connect", c.who)
		}
	}
	if r.program.alone {
		return r.registers(ctx)
	}
	held, err := r.befall(ctx)
	if err != nil {
		return err
	}
	time.Sleep(r.timeout) // what is under way may end
	if err := r.handOver(ctx, held); err != nil {
		return err
	}
	return r.part(ctx)
}

// befall lets A hold the lock and B wait, and runs the fault. It returns A's nodes.
func (r *round) befall(ctx context.Context) ([]node, error) {
	if !within(patience, r.contend(ctx, r.a, patience)) {
		return nil, errors.New("no grant for A")
	}
	held, err := r.rig.of(ctx, r.a, r.dir)
	if err != nil {
		return nil, err
	}
	if len(held) == 0 {
		return nil, errors.New("no node of A, which holds the lock")
	}
	struck := r.a
	if r.fault.waiter {
		struck = r.b
	}
	if r.fault.before {
		r.record.note("the fault begins")
		if err := r.fault.run(ctx, r, struck); err != nil {
			return nil, err
		}
	}
	r.grantedB = r.contend(ctx, r.b, 2*time.Minute)
	queued := func() (bool, error) {
		own, err := r.rig.of(ctx, r.b, r.dir)
		return len(own) > 0, err
	}
	soon, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := ensemble.Poll(soon, "B queues", queued); err != nil {
		return nil, err
	}
	time.Sleep(300 * time.Millisecond) // B watches A's node then
	if !r.fault.before {
		r.record.note("the fault begins")
		if err := r.fault.run(ctx, r, struck); err != nil {
			return nil, fmt.Errorf("the fault: %w", err)
		}
	}
	r.record.note("the fault has ended")
	return held, nil
}

// handOver passes the lock from A to B and C, and to A again.
func (r *round) handOver(ctx context.Context, held []node) error {
	released := r.release(ctx, r.a, held)
	if !within(patience, r.grantedB) {
		r.hang("B never got the lock")
		return nil
	}
	held, err := r.rig.of(ctx, r.b, r.dir)
	if err != nil {
		return err
	}
	grantedC := r.contend(ctx, r.c, time.Minute)
	time.Sleep(hold)
	r.release(ctx, r.b, held)
	if !within(patience, grantedC) {
		r.hang("C never got the lock")
		return nil
	}
	if held, err = r.rig.of(ctx, r.c, r.dir); err != nil {
		return err
	}
	r.release(ctx, r.c, held)
	if !released {
		return nil
	}
	if !within(patience, r.contend(ctx, r.a, patience)) {
		r.hang("A never got it again")
		return nil
	}
	if held, err = r.rig.of(ctx, r.a, r.dir); err != nil {
		return err
	}
	r.release(ctx, r.a, held)
	return nil
}

// part counts the nodes that are left, ends the processes, and counts again.
func (r *round) part(ctx context.Context) error {
	var err error
	if r.left, err = r.leftAfter(ctx, tidy); err != nil {
		return err
	}
	for _, c := range []*child{r.a, r.b, r.c} {
		c.order("close")
	}
	for _, c := range []*child{r.a, r.b, r.c} {
		if !within(patience, c.ended) {
			r.hang(c.who + " did not close")
		}
	}
	r.stayed, err = r.leftAfter(ctx, tidy)
	return err
}

// leftAfter returns how many ephemeral nodes there are when a time has passed, or 0 as
// soon as there are none.
func (r *round) leftAfter(ctx context.Context, d time.Duration) (int, error) {
	for end := time.Now().Add(d); ; time.Sleep(50 * time.Millisecond) {
		all, err := r.rig.ephemerals(ctx, r.dir)
		if err != nil || len(all) == 0 {
			return 0, err
		}
		if time.Now().After(end) {
			for _, n := range all {
				r.record.note("left: %s of session 0x%x", n.path, uint64(n.owner))
			}
			return len(all), nil
		}
	}
}

// contend lets a process acquire, again and again if that fails, until it is granted or
// the time is over. The channel is closed when it is granted.
func (r *round) contend(ctx context.Context, c *child, d time.Duration) <-chan struct{} {
	granted := make(chan struct{})
	over := time.After(d)
	go func() {
		for {
			select {
			case err := <-c.order("acquire"):
				if err == nil {
					close(granted)
					return
				}
			case <-ctx.Done():
				return
			case <-c.ended:
				return
			}
			select {
			case <-over:
				return
			case <-ctx.Done():
				return
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return granted
}

// release lets a process release, and reports whether that has returned. held are the
// nodes that the process had when it was granted the lock.
func (r *round) release(ctx context.Context, c *child, held []node) bool {
	now, err := r.rig.of(ctx, c, r.dir)
	kind := "kept"
	if err == nil && !slices.ContainsFunc(held, func(n node) bool { return slices.Contains(now, n) }) {
		kind = "lost"
	}
	r.record.add(event{who: c.who, at: time.Now(), kind: kind})
	select {
	case <-c.order("release"):
		return true
	case <-time.After(patience):
		r.hang(c.who + " did not release")
		return false
	}
}

func (r *round) hang(what string) {
	r.record.note("HUNG: %s within %v", what, patience)
	r.hung = append(r.hung, what)
}

// within waits for a channel to be closed.
func within(d time.Duration, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-time.After(d):
		return false
	}
}

// name is that of the round's log.
func (r *round) name() string {
	return strings.Join([]string{r.program.name, r.library, r.fault.name, fmt.Sprint(r.number)}, "-")
}
