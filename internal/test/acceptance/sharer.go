package acceptance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

const (
	sharedLock     = "shared" // the read-write lock
	semaphore      = "permits"
	semaphoreLimit = 4
)

// sharer reads and writes under a read-write lock, or takes permits of a semaphore.
// It is a contender for what several can hold at a time.
type sharer struct{ contender }

// run works until ctx ends.
func (k *sharer) run(ctx context.Context) {
	for ctx.Err() == nil {
		if k.rnd.IntN(2) == 0 {
			k.shared(ctx)
		} else {
			k.permits(ctx)
		}
		k.say(report{What: idle})
		pause(ctx, time.Duration(k.rnd.IntN(40))*time.Millisecond)
	}
}

// patience returns how long a try may take. At random it is so short that the try
// gives up.
func (k *sharer) patience() time.Duration {
	if k.rnd.IntN(5) == 0 {
		return time.Duration(1+k.rnd.IntN(400)) * time.Millisecond
	}
	return 20 * time.Second
}

func (k *sharer) length() time.Duration {
	if k.rnd.IntN(30) == 0 {
		return time.Duration(500+k.rnd.IntN(3000)) * time.Millisecond
	}
	return time.Duration(k.rnd.IntN(20)) * time.Millisecond
}

// shared is one hold as a reader or a writer; a writer may become a reader.
func (k *sharer) shared(ctx context.Context) {
	rw := lock.NewReadWrite(k.c, locksDir+"/"+sharedLock, lock.Config{})
	l, reader := rw.Read(), true
	if k.rnd.IntN(3) == 0 {
		l, reader = rw.Write(), false
	}
	k.say(report{What: tries, Name: sharedLock})
	patience := k.patience()
	try, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := now()
	get := l.Acquire
	if k.rnd.IntN(6) == 0 {
		get = l.TryAcquire
	}
	h, err := get(try)
	if err != nil {
		k.gaveUp(try, start, patience, err)
		return
	}
	length := k.length()
	c := claim(k.say, report{Name: sharedLock, Token: h.Token(), Hold: length, Reader: reader}, h.Context())
	pause(h.Context(), length)
	if !reader && k.rnd.IntN(2) == 0 {
		k.downgrade(ctx, h, c)
	}
	c.end()
	k.release(h)
}

// downgrade makes a writer a reader. The writer claims to be only a reader from
// before the call, because other readers may acquire the lock before the call
// returns. The claim includes that no writer acquires it in between.
func (k *sharer) downgrade(ctx context.Context, h *lock.Held, c *claimed) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	c.share()
	err := h.Downgrade(ctx)
	switch op, isOp := errors.AsType[*zk.OpError](err); {
	case err == nil:
		pause(h.Context(), k.length())
	case errors.Is(err, lock.ErrNotHeld), ctx.Err() != nil, h.Context().Err() != nil, isOp && op.Outcome != zk.OutcomeRejected:
	default:
		k.say(report{What: broken, Why: "downgrade: " + err.Error()})
	}
}

// permits takes some permits.
func (k *sharer) permits(ctx context.Context) {
	s := lock.NewSemaphore(k.c, locksDir+"/"+semaphore, semaphoreLimit, lock.Config{})
	n := 1 + k.rnd.IntN(3)
	k.say(report{What: tries, Name: semaphore})
	patience := k.patience()
	try, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := now()
	get := s.Acquire
	if k.rnd.IntN(6) == 0 {
		get = s.TryAcquire
	}
	p, err := get(try, n)
	if err != nil {
		k.gaveUp(try, start, patience, err)
		return
	}
	if p.Len() != n {
		k.say(report{What: broken, Why: fmt.Sprintf("asked for %d permits and got %d", n, p.Len())})
	}
	length := k.length()
	c := claim(k.say, report{Name: semaphore, Token: p.Token(), Hold: length, Permits: n}, p.Context())
	pause(p.Context(), length)
	c.end()
	k.release(p)
}
