package main

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/zookit/zookit/bench/internal/cputime"
	"github.com/zookit/zookit/recipes/lock"
)

// holdCurves are about holders of locks and permits.
func holdCurves() []curve {
	return []curve{{
		name: "Hand-over-hand: Acquire with the context of the hold before", n: "steps",
		figures: []figure{{"bytes kept a step", ownPanel}, {"CPU us a step, of the last tenth", ownPanel}},
		sizes:   []int{10, 100, 1000, 10_000}, run: handOverHand,
	}, {
		name: "One request of many permits", n: "permits",
		figures: []figure{{"goroutines", ownPanel}, {"watches", samePanel}, {"CPU ms", tableOnly}},
		sizes:   []int{10, 100, 1000, 10_000}, run: permits,
	}}
}

// handOverHand goes from lock to lock. It acquires each lock while it holds the one
// before.
func handOverHand(ctx context.Context, n int) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	c, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	locks := [2]*lock.Lock{lock.New(c, "/a", lock.Config{}), lock.New(c, "/b", lock.Config{})}
	held, err := locks[1].Acquire(ctx)
	if err != nil {
		return nil, err
	}
	step := func(i int) error {
		next, err := locks[i%2].Acquire(held.Context())
		if err != nil {
			return err
		}
		err = held.Release(ctx)
		held = next
		return err
	}
	for i := range 10 { // the first steps allocate what is allocated once
		if err := step(i); err != nil {
			return nil, err
		}
	}
	last := max(10, n/10)
	before, start := live(), time.Duration(0)
	for i := range n {
		if i == n-last {
			start = cputime.Now()
		}
		if err := step(i); err != nil {
			return nil, err
		}
	}
	took := cputime.Now() - start
	kept := max(0, live()-before)
	runtime.KeepAlive(held)
	return []float64{kept / float64(n), us(took) / float64(last)}, nil
}

// permits acquires n permits at once.
func permits(ctx context.Context, n int) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	c, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	s := lock.NewSemaphore(c, "/s", n, lock.Config{})
	one, err := s.Acquire(ctx, 1) // the first request allocates what is allocated once
	if err != nil {
		return nil, err
	}
	if err := one.Release(ctx); err != nil {
		return nil, err
	}
	if err := l.quiet(ctx); err != nil {
		return nil, err
	}
	goroutines, watches, start := runtime.NumGoroutine(), l.srv.Watches(), cputime.Now()
	held, err := s.Acquire(ctx, n)
	if err != nil {
		return nil, err
	}
	took := cputime.Now() - start
	if err := l.quiet(ctx); err != nil {
		return nil, err
	}
	out := []float64{float64(runtime.NumGoroutine() - goroutines), float64(l.srv.Watches() - watches), ms(took)}
	if held.Context().Err() != nil {
		return nil, fmt.Errorf("permits were lost: %w", context.Cause(held.Context()))
	}
	return out, held.Release(ctx)
}
