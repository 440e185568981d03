package docs_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// provocations make the recipes log all their lines. The clients of logging log to the
// recorder.
var provocations = map[string]func(t *testing.T, srv *zktest.Server, log *recorder){
	"wait for a lock":          waits(locks),
	"wait for permits":         waits(semaphores),
	"wait for a leadership":    waits(elections),
	"end of a lock":            ends(locks),
	"end of permits":           ends(semaphores),
	"end of a leadership":      ends(elections),
	"late work under a lock":   worksLate(locks),
	"late work under permits":  worksLate(semaphores),
	"late work of a leader":    worksLate(elections),
	"hand over":                handsOver,
	"campaigns that fail":      campaignsFail,
	"gate":                     gates,
	"barrier":                  doubles,
	"member":                   member,
	"copy of a group":          groupCopy,
	"instance":                 instance,
	"cache":                    cache,
	"health gate":              healthGate,
	"slow health check":        slowCheck,
	"instance that stays":      staysRegistered,
	"hook and step that panic": panics,
}

func logging(t *testing.T, srv *zktest.Server, log *recorder, hooks ...zk.Hook) *zk.Client {
	t.Helper()
	return srv.Client(t, func(cfg *zk.Config) { cfg.Logger, cfg.Hooks = slog.New(log), hooks })
}

func quiet(t *testing.T, srv *zktest.Server) *zk.Client {
	t.Helper()
	return srv.Client(t, func(cfg *zk.Config) { cfg.Logger = slog.New(slog.DiscardHandler) })
}

// queued is a recipe whose holds are waited for in a queue.
type queued struct {
	acquire func(ctx context.Context, c *zk.Client) (held, error)
	do      func(ctx context.Context, c *zk.Client, f func(context.Context) error) error
}

// held is a hold of such a recipe.
type held struct {
	context.Context
	path string
	end  func(context.Context) error
	move func(context.Context) (held, error) // detaches and resumes it; may be nil
}

var locks = queued{
	acquire: func(ctx context.Context, c *zk.Client) (held, error) {
		l := lock.New(c, "/d", lock.Config{})
		h, err := l.Acquire(ctx)
		if err != nil {
			return held{}, err
		}
		return held{h.Context(), h.Path(), h.Release, func(ctx context.Context) (held, error) {
			d, err := h.Detach(ctx)
			if err != nil {
				return held{}, err
			}
			h, err := l.Resume(ctx, d)
			return held{Context: h.Context(), end: h.Release}, err
		}}, nil
	},
	do: func(ctx context.Context, c *zk.Client, f func(context.Context) error) error {
		return lock.New(c, "/d", lock.Config{}).Do(ctx, func(ctx context.Context, _ *lock.Held) error { return f(ctx) })
	},
}

var semaphores = queued{
	acquire: func(ctx context.Context, c *zk.Client) (held, error) {
		p, err := lock.NewSemaphore(c, "/d", 1, lock.Config{}).Acquire(ctx, 1)
		if err != nil {
			return held{}, err
		}
		return held{p.Context(), p.Paths()[0], p.Release, nil}, nil
	},
	do: func(ctx context.Context, c *zk.Client, f func(context.Context) error) error {
		return lock.NewSemaphore(c, "/d", 1, lock.Config{}).Do(ctx, 1, func(ctx context.Context, _ *lock.Permits) error { return f(ctx) })
	},
}

var elections = queued{
	acquire: func(ctx context.Context, c *zk.Client) (held, error) {
		e := election.New(c, "/d", election.Config{ID: "me"})
		l, err := e.Campaign(ctx)
		if err != nil {
			return held{}, err
		}
		return held{l.Context(), l.Path(), l.Resign, func(ctx context.Context) (held, error) {
			d, err := l.Detach(ctx)
			if err != nil {
				return held{}, err
			}
			l, err := e.Resume(ctx, d)
			return held{Context: l.Context(), end: l.Resign}, err
		}}, nil
	},
	do: func(ctx context.Context, c *zk.Client, f func(context.Context) error) error {
		return election.New(c, "/d", election.Config{}).Run(ctx, func(ctx context.Context, _ *election.Leadership) error { return f(ctx) })
	},
}

// later acquires in the background.
func (q queued) later(t *testing.T, c *zk.Client) <-chan held {
	got := make(chan held, 1)
	go func() {
		h, err := q.acquire(t.Context(), c)
		if err != nil {
			t.Error(err)
		}
		got <- h
	}()
	synctest.Wait()
	return got
}

func waits(q queued) func(*testing.T, *zktest.Server, *recorder) {
	return func(t *testing.T, srv *zktest.Server, log *recorder) {
		other, c := quiet(t, srv), logging(t, srv, log)
		first, err := q.acquire(t.Context(), other)
		require.NoError(t, err)
		for _, patience := range []time.Duration{100 * time.Millisecond, 4 * time.Second} {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			_, err := q.acquire(ctx, c)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded)
		}
		second, third := q.later(t, other), q.later(t, c)
		time.Sleep(4 * time.Second)
		require.NoError(t, first.end(t.Context()))
		require.NoError(t, (<-second).end(t.Context()))
		h := <-third
		time.Sleep(time.Second)
		require.NoError(t, h.end(t.Context()))
	}
}

func ends(q queued) func(*testing.T, *zktest.Server, *recorder) {
	return func(t *testing.T, srv *zktest.Server, log *recorder) {
		c := logging(t, srv, log)
		h, err := q.acquire(t.Context(), c)
		require.NoError(t, err)
		time.Sleep(time.Second)
		require.NoError(t, srv.Delete(h.path))
		<-h.Done()
		require.NoError(t, h.end(t.Context()))
		h, err = q.acquire(t.Context(), c)
		require.NoError(t, err)
		if h.move != nil {
			h, err = h.move(t.Context())
			require.NoError(t, err)
		}
		require.NoError(t, h.end(t.Context()))
		h, err = q.acquire(t.Context(), c)
		require.NoError(t, err)
		require.NoError(t, c.Close(t.Context()))
		<-h.Done()
		synctest.Wait()
	}
}

func worksLate(q queued) func(*testing.T, *zktest.Server, *recorder) {
	return func(t *testing.T, srv *zktest.Server, log *recorder) {
		ctx, cancel := context.WithCancel(t.Context())
		_ = q.do(ctx, logging(t, srv, log), func(context.Context) error {
			cancel()
			time.Sleep(2 * time.Minute)
			return nil
		})
	}
}

func handsOver(t *testing.T, srv *zktest.Server, log *recorder) {
	candidate := func(c *zk.Client, id string, priority int) <-chan *election.Leadership {
		leads := make(chan *election.Leadership, 1)
		go func() {
			l, err := election.New(c, "/d", election.Config{ID: id, Priority: priority}).Campaign(t.Context())
			if err != nil {
				t.Error(err)
			}
			leads <- l
		}()
		synctest.Wait()
		return leads
	}
	c, other := logging(t, srv, log), quiet(t, srv)
	first := <-candidate(c, "first", 0)
	low, named, high := candidate(c, "low", 0), candidate(other, "named", 0), candidate(other, "high", 1)
	require.NoError(t, first.HandOver(t.Context(), "named"))
	require.NoError(t, (<-named).Resign(t.Context()))
	require.NoError(t, (<-high).Resign(t.Context()))
	require.NoError(t, (<-low).Resign(t.Context()))
}

func campaignsFail(t *testing.T, srv *zktest.Server, log *recorder) {
	require.NoError(t, srv.Create("/d", nil))
	fails := time.Now().Add(50 * time.Second)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		switch {
		case time.Now().After(fails):
		case r.Op == "create":
			return zktest.Fail(int32(zk.ErrOperationTimeout))
		case r.Op == "children": // so that the candidate does not learn whether its node is there
			return zktest.Fail(int32(zk.ErrNoAuth))
		}
		return zktest.Pass
	})
	everySecond := func() backoff.BackOff { return backoff.NewConstantBackOff(time.Second) }
	term := 0
	err := election.New(logging(t, srv, log), "/d", election.Config{BackOff: everySecond}).Run(t.Context(), func(ctx context.Context, l *election.Leadership) error {
		if term++; term == 2 {
			return nil
		}
		require.NoError(t, srv.Delete(l.Path()))
		<-ctx.Done()
		return errors.Join(errors.New("one"), errors.New("two"))
	})
	require.NoError(t, err)
	require.Equal(t, 1, log.count("election: campaign failed, it is retried"))
	require.Equal(t, 1, log.count("election: campaign still fails"))
}

func gates(t *testing.T, srv *zktest.Server, log *recorder) {
	gate := barrier.New(logging(t, srv, log), "/d", barrier.Config{})
	require.NoError(t, gate.Raise(t.Context()))
	for _, patience := range []time.Duration{100 * time.Millisecond, 4 * time.Second} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		require.ErrorIs(t, gate.Wait(ctx), context.DeadlineExceeded)
		cancel()
	}
	require.NoError(t, gate.Lower(t.Context()))
	require.NoError(t, gate.Wait(t.Context()))
}

func doubles(t *testing.T, srv *zktest.Server, log *recorder) {
	c, other := logging(t, srv, log), quiet(t, srv)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
	defer cancel()
	_, err := barrier.NewDouble(c, "/nobody", 2, barrier.DoubleConfig{}).Enter(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	for dir, pause := range map[string]time.Duration{"/soon": 0, "/late": 4 * time.Second} {
		entered := make(chan *barrier.Entry, 2)
		for _, c := range []*zk.Client{c, other} {
			go func() {
				e, err := barrier.NewDouble(c, dir, 2, barrier.DoubleConfig{}).Enter(t.Context())
				if err != nil {
					t.Error(err)
				}
				entered <- e
			}()
			time.Sleep(pause)
		}
		a, b := <-entered, <-entered
		left := make(chan error, 1)
		go func() { left <- a.Leave(t.Context()) }()
		require.NoError(t, b.Leave(t.Context()))
		require.NoError(t, <-left)
	}
	alone := barrier.NewDouble(c, "/alone", 1, barrier.DoubleConfig{})
	e, err := alone.Enter(t.Context())
	require.NoError(t, err)
	time.Sleep(time.Second)
	require.NoError(t, srv.Delete(e.Path()))
	<-e.Context().Done()
	require.ErrorIs(t, e.Leave(t.Context()), barrier.ErrLost)
	e, err = alone.Enter(t.Context())
	require.NoError(t, err)
	require.NoError(t, c.Close(t.Context()))
	<-e.Context().Done()
	synctest.Wait()
}

// refuse lets the server refuse an operation of the clients that log, for a time.
func refuse(srv *zktest.Server, op string, with zk.Code, during time.Duration) {
	until := time.Now().Add(during)
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == op && time.Now().Before(until) {
			return zktest.Fail(int32(with))
		}
		return zktest.Pass
	})
}

func member(t *testing.T, srv *zktest.Server, log *recorder) {
	g := groupmembership.New(logging(t, srv, log), "/d", groupmembership.Config{})
	m, err := g.Join(t.Context(), "me", nil)
	require.NoError(t, err)
	time.Sleep(time.Minute)
	require.NoError(t, srv.Delete(m.Path()))
	time.Sleep(time.Second)
	require.NoError(t, m.Leave(t.Context()))
	require.Equal(t, 4, log.count("groupmembership: state"), "registered, lost, registered, left")

	earlier := quiet(t, srv)
	_, err = earlier.Create(t.Context(), "/d/me", nil, zk.Ephemeral)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- g.Maintain(ctx, "me", nil) }()
	time.Sleep(time.Second)
	require.NoError(t, earlier.Close(t.Context()))
	require.ErrorIs(t, <-ended, context.DeadlineExceeded)
	refuse(srv, "create", zk.ErrNoAuth, 10*time.Minute)
	ctx, cancel = context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	log.take()
	require.ErrorIs(t, g.Maintain(ctx, "me", nil), context.DeadlineExceeded)
	require.Equal(t, 1, log.count("groupmembership: still unregistered"), "twenty refusals")
}

func groupCopy(t *testing.T, srv *zktest.Server, log *recorder) {
	refuse(srv, "addWatch", zk.ErrNoAuth, 50*time.Second)
	for _, err := range groupmembership.New(logging(t, srv, log), "/d", groupmembership.Config{}).Watch(t.Context()) {
		require.ErrorIs(t, err, zk.ErrNoAuth)
	}
}

func instance(t *testing.T, srv *zktest.Server, log *recorder) {
	d := discovery.New(logging(t, srv, log), "/d", discovery.Config{})
	r, err := d.Register(t.Context(), discovery.Instance{Name: "web", ID: "1", Address: "host"})
	require.NoError(t, err)
	time.Sleep(time.Minute)
	require.NoError(t, srv.Delete("/d/web/1"))
	time.Sleep(time.Second)
	require.NoError(t, r.Unregister(t.Context()))

	earlier := quiet(t, srv)
	_, err = earlier.Create(t.Context(), "/d/web/1", nil, zk.Ephemeral)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err = d.Register(ctx, discovery.Instance{Name: "web", ID: "1", Address: "host"})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	refuse(srv, "create", zk.ErrNoAuth, time.Second)
	_, err = d.Register(t.Context(), discovery.Instance{Name: "web", ID: "2", Address: "host"})
	require.ErrorIs(t, err, zk.ErrNoAuth)
}

func cache(t *testing.T, srv *zktest.Server, log *recorder) {
	require.NoError(t, srv.Create("/d", nil))
	require.NoError(t, srv.Create("/d/web", nil))
	require.NoError(t, srv.Create("/d/web/1", []byte("nothing that can be read")))
	refuse(srv, "addWatch", zk.ErrNoAuth, 50*time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	require.ErrorIs(t, discovery.New(logging(t, srv, log), "/d", discovery.Config{}).Cache().Run(ctx), context.DeadlineExceeded)
	require.Equal(t, 1, log.count("discovery: node has no readable instance"))
	require.Equal(t, 1, log.count("discovery: still cannot read"))
}

func healthGate(t *testing.T, srv *zktest.Server, log *recorder) {
	r, err := discovery.New(logging(t, srv, log), "/d", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	healthy := time.Now().Add(50 * time.Second)
	err = r.Serve(ctx, discovery.Gate{Every: time.Second, Check: func(context.Context) error {
		if time.Now().Before(healthy) {
			return errors.New("the disk is full")
		}
		return nil
	}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, log.count("discovery: health check failed, instance is taken out"))
	require.Equal(t, 1, log.count("discovery: health check still fails"))
	require.Equal(t, 1, log.count("discovery: health check passes again"))
}

func slowCheck(t *testing.T, srv *zktest.Server, log *recorder) {
	r, err := discovery.New(logging(t, srv, log), "/d", discovery.Config{}).Registration(discovery.Instance{Name: "web", ID: "1"})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = r.Serve(ctx, discovery.Gate{Every: time.Second, Check: func(context.Context) error {
		time.Sleep(20 * time.Second)
		return nil
	}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func staysRegistered(t *testing.T, srv *zktest.Server, log *recorder) {
	d := discovery.New(logging(t, srv, log), "/d", discovery.Config{})
	r, err := d.Registration(discovery.Instance{Name: "web", ID: "1", Type: discovery.Static})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sick := time.Now().Add(10 * time.Second)
	err = r.Serve(ctx, discovery.Gate{Every: time.Second, Check: func(context.Context) error {
		if time.Now().Before(sick) {
			refuse(srv, "delete", zk.ErrThrottled, 30*time.Second)
			return nil
		}
		return errors.New("the disk is full")
	}})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, log.count("discovery: taking the instance out is not confirmed, it is retried"))
}

type panicking struct{}

func (panicking) OnGranted(recipes.Granted) { panic("in the hook") }

func panics(t *testing.T, srv *zktest.Server, log *recorder) {
	c := logging(t, srv, log, panicking{})
	require.NoError(t, lock.New(c, "/d", lock.Config{}).Do(t.Context(), func(context.Context, *lock.Held) error { return nil }))
	err := recipes.Shutdown(t.Context(), c, recipes.Step{Name: "stop", Do: func(context.Context) error { panic("in the step") }})
	require.ErrorContains(t, err, "panicked")
}
