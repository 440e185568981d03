package acceptance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// duels is a crowd of holders. Each holder has a rival that waits for the same lock
// at another server.
type duels struct {
	timeout time.Duration
	n       int

	reports chan report
	rivals  []*zk.Client
	waiting sync.WaitGroup
	stop    context.CancelFunc
	ended   []report // of each holder; valid after settle, as is taken
	taken   []time.Duration
	errs    []error // of each rival
}

// begin starts the holders' process, waits until each holder has its lock, and
// starts the rivals.
func (d *duels) begin(ctx context.Context, s *trial, dir string) (err error) {
	spec := crowdSpec{Servers: s.clients.Addr(), Timeout: d.timeout, Store: storeDir, Always: s.always}
	for i := range d.n {
		spec.Locks = append(spec.Locks, fmt.Sprintf("%s-%d", dir, i))
	}
	d.ended, d.taken, d.errs = make([]report, d.n), make([]time.Duration, d.n), make([]error, d.n)
	d.reports = make(chan report, 2*d.n)
	if s.crowd, err = spawnAs(crowdEnv, spec, func(r report) { d.reports <- r }); err != nil {
		return err
	}
	if err := d.await(ctx, acquired); err != nil {
		return err
	}
	for range 2 {
		c, err := connectFor(ctx, others(s.e, s.member), d.timeout, false)
		if err != nil {
			return err
		}
		d.rivals = append(d.rivals, c)
	}
	var waiting context.Context
	waiting, d.stop = context.WithCancel(context.Background())
	for i, name := range spec.Locks {
		l := lock.New(d.rivals[i%2], name, lock.Config{})
		d.waiting.Go(func() {
			_, d.errs[i] = l.Acquire(waiting)
			d.taken[i] = now()
		})
	}
	return d.queued(ctx, spec.Locks)
}

// queued waits until every queue has a holder and a rival.
func (d *duels) queued(ctx context.Context, names []string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, name := range names {
		l := lock.New(d.rivals[0], name, lock.Config{})
		for {
			queue, err := l.Contenders(ctx)
			if err != nil {
				return fmt.Errorf("%w: %w", errMissed, err)
			}
			if len(queue) == 2 {
				break
			}
			pause(ctx, 5*time.Millisecond)
		}
	}
	return nil
}

// await waits for a report of every holder.
func (d *duels) await(ctx context.Context, what what) error {
	for range d.n {
		select {
		case r := <-d.reports:
			if r.What != what {
				return fmt.Errorf("%w: holder %d: %s instead of %s: %s", errMissed, r.Who, r.What, what, r.Why)
			}
			d.ended[r.Who] = r
		case <-ctx.Done():
			return fmt.Errorf("acceptance: holders that %s: %w", what, context.Cause(ctx))
		}
	}
	return nil
}

// settle waits until every holder has lost its lock and every rival has acquired
// one.
func (d *duels) settle(ctx context.Context) error {
	if err := d.await(ctx, ended); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { // ends when mend stops the rivals, at the latest
		d.waiting.Wait()
		close(done)
	}()
	select {
	case <-done:
		if err := errors.Join(d.errs...); err != nil {
			return fmt.Errorf("%w: a rival: %w", errMissed, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("acceptance: rivals: %w", context.Cause(ctx))
	}
}

// mend reverts the faults of the round, and ends the holders and the rivals.
func (s *trial) mend(ctx context.Context, d *duels) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	errs := []error{s.e.HealPeers(s.member)}
	s.clients.Heal()
	if s.stop && s.crowd != nil {
		errs = append(errs, s.release())
	}
	if d.stop != nil {
		d.stop()
		d.waiting.Wait()
	}
	for _, c := range d.rivals {
		errs = append(errs, c.Close(ctx))
	}
	if s.crowd != nil {
		errs = append(errs, s.crowd.dismiss())
	}
	return errors.Join(errs...)
}
