package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// registers is the round of a program that registers: A registers, and gets the fault.
// When it has ended, A must be registered once, and not at all when it has deregistered.
func (r *round) registers(ctx context.Context) error {
	if r.fault.before {
		r.record.note("the fault begins")
		if err := r.fault.run(ctx, r, r.a); err != nil {
			return err
		}
	}
	if !within(patience, r.contend(ctx, r.a, patience)) {
		return errors.New("not registered: A")
	}
	if !r.fault.before {
		own, err := r.rig.of(ctx, r.a, r.dir)
		if err != nil {
			return err
		}
		if len(own) != 1 {
			return fmt.Errorf("%d nodes of A, want 1", len(own))
		}
		r.record.note("the fault begins")
		if err := r.fault.run(ctx, r, r.a); err != nil {
			return fmt.Errorf("the fault: %w", err)
		}
	}
	r.record.note("the fault has ended")
	time.Sleep(2 * r.timeout) // what is left of an old session goes
	if err := r.isRegistered(ctx); err != nil {
		return err
	}
	select {
	case <-r.a.order("release"):
	case <-time.After(patience):
		r.hang("A did not deregister")
	}
	return r.part(ctx)
}

// isRegistered waits until A is registered.
func (r *round) isRegistered(ctx context.Context) error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		all, err := r.rig.ephemerals(ctx, r.dir)
		if err != nil {
			return err
		}
		r.twice = len(all) > 1
		r.gone = len(all) == 0
		if !r.gone {
			r.record.note("A has %d nodes", len(all))
			return nil
		}
		if time.Now().After(end) {
			r.record.note("A is not registered any more")
			return nil
		}
	}
}
