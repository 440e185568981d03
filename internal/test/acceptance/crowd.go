package acceptance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/goleak"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// crowdEnv holds the spec of a crowd's process.
const crowdEnv = "ZOOKIT_ACCEPTANCE_CROWD"

// crowdSpec describes a crowd: one holder for each lock, each with its own session.
// Every second holder has a quorum lease.
type crowdSpec struct {
	Servers string        `json:"servers"`
	Timeout time.Duration `json:"timeout"` // of the sessions
	Locks   []string      `json:"locks"`
	Store   string        `json:"store"`  // a node to which the holders write
	Always  bool          `json:"always"` // they write from the beginning
}

// crowd is many holders of locks in a separate process, so that the process can be
// stopped.
type crowd struct {
	crowdSpec
	tell    teller
	writing chan struct{} // closed when the holders shall write
	work    sync.WaitGroup
	holders []*crowdHolder
}

// crowdHolder is one holder.
type crowdHolder struct {
	c    *zk.Client
	held *lock.Held
	// proven is the start of the last answered write but one, as a duration of
	// now(). The holder writes one after the other. So the answer to that write had
	// arrived before the next answered write began.
	proven atomic.Int64
}

const (
	// writePause is how long a holder waits between two writes.
	writePause = 25 * time.Millisecond
	// looking is the pause between two checks of all contexts.
	looking = 200 * time.Microsecond
)

func hasQuorumLease(holder int) bool { return holder%2 == 0 }

// serveCrowd is the main function of a crowd's process. After the first line of its
// input the holders write. At the end of the input the process ends.
func serveCrowd(text []byte) error {
	leaks := goleak.IgnoreCurrent()
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	w := &crowd{writing: make(chan struct{}), tell: func(r report) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(r) // without a reader the process ends anyway
	}}
	if err := json.Unmarshal(text, &w.crowdSpec); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if w.Always {
		close(w.writing)
	}
	err := w.acquire(ctx)
	if err == nil {
		w.work.Go(func() { w.look(ctx) })
		for _, h := range w.holders {
			w.work.Go(func() { w.write(ctx, h) })
		}
		orders := bufio.NewReader(os.Stdin)
		if _, err := orders.ReadString('\n'); err == nil {
			if !w.Always {
				close(w.writing)
			}
			_, _ = io.Copy(io.Discard, orders)
		}
	}
	cancel()
	w.work.Wait()
	return errors.Join(err, w.close(), goleak.Find(leaks))
}

// acquire connects all holders concurrently, and lets each acquire its lock.
func (w *crowd) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	errs := make([]error, len(w.Locks))
	var wg sync.WaitGroup
	for i, name := range w.Locks {
		h := &crowdHolder{}
		w.holders = append(w.holders, h)
		wg.Go(func() {
			if h.c, errs[i] = connectFor(ctx, w.Servers, w.Timeout, hasQuorumLease(i)); errs[i] != nil {
				return
			}
			// The heartbeats of the holders come at different times.
			pause(ctx, w.Timeout/12*time.Duration(i)/time.Duration(len(w.Locks)))
			if h.held, errs[i] = lock.New(h.c, name, lock.Config{}).Acquire(ctx); errs[i] == nil {
				w.tell(report{What: acquired, Who: i, At: now(), Name: name})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// look checks the context of every holder repeatedly until it has ended. It reports
// the time just before the last check that found the context alive. If the process
// was stopped during that check, the reported time is too early, but never too
// late.
func (w *crowd) look(ctx context.Context) {
	live := map[int]time.Duration{}
	for i := range w.holders {
		live[i] = now()
	}
	for len(live) > 0 && ctx.Err() == nil {
		for i := range live {
			h := w.holders[i]
			at := now()
			if h.held.Context().Err() == nil {
				live[i] = at
				continue
			}
			w.tell(report{
				What: ended, Who: i, At: live[i], From: time.Duration(h.proven.Load()),
				Why: context.Cause(h.held.Context()).Error(),
			})
			delete(live, i)
		}
		pause(ctx, looking)
	}
}

// write writes to the store under the lock, from the order until the lock is lost.
func (w *crowd) write(ctx context.Context, h *crowdHolder) {
	select {
	case <-w.writing:
	case <-ctx.Done():
		return
	}
	var newest time.Duration // start of the newest answered write
	for ctx.Err() == nil && h.held.Context().Err() == nil {
		start := now()
		if _, err := h.c.Multi(h.held.Context(), h.held.Check(), zk.SetOp(w.Store, nil, zk.AnyVersion)); err == nil {
			h.proven.Store(int64(newest))
			newest = start
		}
		pause(ctx, writePause)
	}
}

// close closes the clients. They must be able to reach a server again.
func (w *crowd) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	errs := make([]error, len(w.holders))
	var wg sync.WaitGroup
	for i, h := range w.holders {
		if h.c != nil {
			wg.Go(func() { errs[i] = h.c.Close(ctx) })
		}
	}
	wg.Wait()
	return errors.Join(errs...)
}
