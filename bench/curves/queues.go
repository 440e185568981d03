package main

import (
	"context"
	"sync"
	"time"

	"github.com/zookit/zookit/bench/internal/cputime"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// queueCurves are about the queues of locks and elections.
func queueCurves() []curve {
	overTrips := []figure{{"ms", ownPanel}, {"requests", tableOnly}}
	tens := []int{10, 100, 1000, 10_000}
	return []curve{{
		name: "Lock: waiters give up at once, 2 ms round trip", n: "waiters",
		figures: []figure{{"ms until the next hold", ownPanel}, {"CPU ms", tableOnly}},
		sizes:   []int{10, 100, 1000}, run: giveUp,
	}, {
		name: "Lock.Contenders, 2 ms round trip", n: "contenders", figures: overTrips, sizes: tens,
		run: func(ctx context.Context, n int) ([]float64, error) {
			return askLock(ctx, n, func(l *lock.Lock) error {
				_, err := l.Contenders(ctx)
				return err
			})
		},
	}, {
		name: "Lock.Revoke, 2 ms round trip", n: "contenders", figures: overTrips, sizes: tens,
		run: func(ctx context.Context, n int) ([]float64, error) {
			return askLock(ctx, n, func(l *lock.Lock) error { return l.Revoke(ctx) })
		},
	}, {
		name: "HandOver to the next candidate, 2 ms round trip", n: "candidates", figures: overTrips, sizes: tens,
		run: func(ctx context.Context, n int) ([]float64, error) { return handOver(ctx, n, "") },
	}, {
		name: "HandOver by name, 2 ms round trip", n: "candidates", figures: overTrips, sizes: tens,
		run: func(ctx context.Context, n int) ([]float64, error) { return handOver(ctx, n, "next") },
	}, {
		name: "Lock.TryAcquire of a lock that is held", n: "contenders",
		figures: []figure{{"transactions", ownPanel}, {"requests", tableOnly}, {"CPU us", ownPanel}},
		sizes:   tens, run: tryAcquire,
	}}
}

// giveUp lets all waiters but the last give up at once, and the holder release.
func giveUp(ctx context.Context, n int) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	var c [3]*zk.Client // of the holder, of the waiters, and of the last one
	for i := range c {
		if c[i], err = l.connect(ctx); err != nil {
			return nil, err
		}
	}
	held, err := lock.New(c[0], "/lock", lock.Config{}).Acquire(ctx)
	if err != nil {
		return nil, err
	}
	impatient, giveUp := context.WithCancel(ctx)
	defer giveUp()
	var wg sync.WaitGroup
	defer wg.Wait()
	waiters := lock.New(c[1], "/lock", lock.Config{})
	for range n {
		wg.Go(func() { _, _ = waiters.Acquire(impatient) })
	}
	if err := until(ctx, func() bool { return len(l.srv.Children("/lock")) == 1+n }); err != nil {
		return nil, err
	}
	next := make(chan error, 1)
	go func() {
		_, err := lock.New(c[2], "/lock", lock.Config{}).Acquire(ctx)
		next <- err
	}()
	if err := until(ctx, func() bool { return len(l.srv.Children("/lock")) == 2+n }); err != nil {
		return nil, err
	}
	if err := l.quiet(ctx); err != nil {
		return nil, err
	}
	l.srv.Delay(0, roundTrip)
	onCPU, start := cputime.Now(), time.Now()
	giveUp()
	if err := held.Release(ctx); err != nil {
		return nil, err
	}
	err = <-next
	took := time.Since(start)
	return []float64{ms(took), ms(cputime.Now() - onCPU)}, err
}

// askLock reads the contenders of a held lock that has n more contenders.
func askLock(ctx context.Context, n int, ask func(*lock.Lock) error) ([]float64, error) {
	l, mine, err := heldLock(ctx, n)
	if err != nil {
		return nil, err
	}
	defer l.close()
	l.srv.Delay(0, roundTrip)
	requests, start := l.srv.Requests(), time.Now()
	err = ask(mine)
	return []float64{ms(time.Since(start)), float64(l.srv.Requests() - requests)}, err
}

// heldLock returns a lock that another client holds, with n contenders behind it.
func heldLock(ctx context.Context, n int) (_ *lab, mine *lock.Lock, err error) {
	l, err := newLab()
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	other, err := l.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	held, err := lock.New(other, "/lock", lock.Config{}).Acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := crowd(ctx, other, "/lock", held.Path(), n); err != nil {
		return nil, nil, err
	}
	c, err := l.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	return l, lock.New(c, "/lock", lock.Config{}), l.quiet(ctx)
}

// handOver hands a leadership over to the next candidate, ahead of n others.
func handOver(ctx context.Context, n int, to string) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	var c [2]*zk.Client
	for i := range c {
		if c[i], err = l.connect(ctx); err != nil {
			return nil, err
		}
	}
	leader, err := election.New(c[0], "/e", election.Config{ID: "first"}).Campaign(ctx)
	if err != nil {
		return nil, err
	}
	next := make(chan error, 1)
	go func() {
		_, err := election.New(c[1], "/e", election.Config{ID: "next"}).Campaign(ctx)
		next <- err
	}()
	if err := until(ctx, func() bool { return len(l.srv.Children("/e")) == 2 }); err != nil {
		return nil, err
	}
	if err := crowd(ctx, c[1], "/e", leader.Path(), n); err != nil {
		return nil, err
	}
	if err := l.quiet(ctx); err != nil {
		return nil, err
	}
	l.srv.Delay(0, roundTrip)
	requests, start := l.srv.Requests(), time.Now()
	if err := leader.HandOver(ctx, to); err != nil {
		return nil, err
	}
	took, asked := time.Since(start), l.srv.Requests()-requests
	return []float64{ms(took), float64(asked)}, <-next
}

// tryAcquire tries to acquire a held lock, and fails.
func tryAcquire(ctx context.Context, n int) ([]float64, error) {
	const tries = 20
	l, mine, err := heldLock(ctx, n)
	if err != nil {
		return nil, err
	}
	defer l.close()
	zxid, requests, start := l.srv.Zxid(), l.srv.Requests(), cputime.Now()
	for range tries {
		if held, _ := mine.TryAcquire(ctx); held != nil {
			panic("curves: a lock was acquired that another holds")
		}
	}
	took := cputime.Now() - start
	return []float64{
		float64(l.srv.Zxid()-zxid) / tries, float64(l.srv.Requests()-requests) / tries, us(took) / tries,
	}, ctx.Err()
}
