package acceptance

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/zookit/zookit/zk"
)

// sessionTimeout is the session timeout of every client here: four ticks of 500 ms.
const sessionTimeout = 2 * time.Second

// spec says how one client connects, and which workers use it.
type spec struct {
	Client  int            `json:"client"`
	Servers string         `json:"servers"`
	Store   string         `json:"store,omitempty"` // connect string of the workers that write
	Quorum  bool           `json:"quorum"`          // QuorumLease
	Workers map[role][]int `json:"workers"`         // the numbers of the workers of each role
	Seed    uint64         `json:"seed"`
}

// role is the task of a worker.
type role string

const (
	contends role = "contends" // for the locks
	shares   role = "shares"   // the read-write lock and the semaphore
	stands   role = "stands"   // for election
	meets    role = "meets"    // the others at the double barrier
	belongs  role = "belongs"  // to the group and the service, now and then
	writes   role = "writes"   // to a store, under a lock
	observes role = "observes" // the election
	watches  role = "watches"  // the group
	looks    role = "looks"    // at the service
)

// number returns the number of the i-th worker of a role. No two workers have the
// same number.
func (r role) number(i int) int {
	return 100*slices.Index([]role{contends, shares, stands, meets, belongs, writes, observes, watches, looks}, r) + i
}

// worker returns the function that works in the role until its context ends.
func (r role) worker(k contender) func(context.Context) {
	switch r {
	case contends:
		return k.run
	case shares:
		return (&sharer{k}).run
	case stands:
		return (&candidate{k}).run
	case meets:
		return (&party{contender: k}).run
	case belongs:
		return (&member{contender: k}).run
	case writes:
		return (&writer{contender: k}).run
	case observes:
		return k.observe
	case looks:
		return k.watchService
	default:
		return k.watchGroup
	}
}

// looksOn reports whether workers of the role continue after the others have
// stopped.
func (r role) looksOn() bool { return r == observes || r == watches || r == looks }

// crew is the clients of one process, and their workers.
type crew struct {
	tell    teller
	clients []*zk.Client
	stop    context.CancelFunc // ends the work
	look    context.CancelFunc // ends the observing
	work    sync.WaitGroup
	watch   sync.WaitGroup
	pulse   pulse
}

// hire connects every client and starts the workers. ctx limits the connecting.
func hire(ctx context.Context, specs []spec, tell teller) (*crew, error) {
	w := &crew{tell: tell}
	working, stop := context.WithCancel(context.Background())
	watching, look := context.WithCancel(context.Background())
	w.stop, w.look = stop, look
	w.pulse.start(watching, tell)
	for _, s := range specs {
		c, err := connect(ctx, s.Servers, s.Quorum)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("acceptance: client %d: %w", s.Client, err), w.dismiss())
		}
		w.clients = append(w.clients, c)
		for r, workers := range s.Workers {
			for _, who := range workers {
				rnd := rand.New(rand.NewPCG(s.Seed, uint64(who)))
				do := r.worker(contender{who: who, client: s.Client, c: c, store: s.Store, rnd: rnd, tell: tell, pulse: &w.pulse})
				if r.looksOn() {
					w.watch.Go(func() { do(watching) })
				} else {
					w.work.Go(func() { do(working) })
				}
			}
		}
	}
	return w, nil
}

// rest ends the work and reports when it has ended. The observers continue.
func (w *crew) rest() {
	w.stop()
	w.work.Wait()
	w.tell(report{At: now(), What: rested})
}

// blind ends the observers and reports when they have ended. The clients stay
// connected.
func (w *crew) blind() {
	w.look()
	w.watch.Wait()
	w.tell(report{At: now(), What: blinded})
}

// dismiss ends all workers and closes the clients. Its error names what the clients
// could not confirm.
func (w *crew) dismiss() error {
	w.stop()
	w.look()
	w.work.Wait()
	w.watch.Wait()
	w.pulse.beater.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for _, c := range w.clients {
		errs = append(errs, c.Close(ctx))
	}
	return errors.Join(errs...)
}

// connect returns a client that waits for servers that restart, and returns to them
// soon.
func connect(ctx context.Context, servers string, quorum bool) (*zk.Client, error) {
	return connectFor(ctx, servers, sessionTimeout, quorum)
}

// connectFor is connect with another session timeout.
func connectFor(ctx context.Context, servers string, timeout time.Duration, quorum bool) (*zk.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return zk.Connect(ctx, zk.Config{
		Servers: servers, SessionTimeout: timeout, QuorumLease: quorum,
		BackOff: func() backoff.BackOff {
			return backoff.NewExponentialBackOff(backoff.WithInitialInterval(20*time.Millisecond),
				backoff.WithMaxInterval(500*time.Millisecond), backoff.WithMaxElapsedTime(0))
		},
	})
}
