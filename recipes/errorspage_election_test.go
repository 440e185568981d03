package recipes_test

import (
	"context"
	"errors"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

const uuid = "01234567-89ab-cdef-0123-456789abcdef"

// lead becomes the leader of /e.
func (w *world) lead() *election.Leadership {
	l, err := election.New(w.c, "/e", election.Config{ID: "a"}).Campaign(w.t.Context())
	require.NoError(w.t, err)
	return l
}

// follow makes the other client a candidate that waits, with the ID b.
func (w *world) follow() {
	go func() { _, _ = election.New(w.other, "/e", election.Config{ID: "b"}).Campaign(w.t.Context()) }()
	time.Sleep(100 * time.Millisecond)
}

// java makes a candidate of Curator that waits, with the ID java.
func (w *world) java() (path string) {
	made, err := w.other.Create(w.t.Context(), "/e/_c_"+uuid+"-latch-", []byte("java"), zk.EphemeralSequential)
	require.NoError(w.t, err)
	return made.Path
}

// electionErrors are the situations of elections.
var electionErrors = []situation{
	{"resigned", func(w *world) error {
		l := w.lead()
		require.NoError(w.t, l.Resign(w.t.Context()))
		return context.Cause(l.Context())
	}},
	{"handed over", func(w *world) error {
		l := w.lead()
		w.follow()
		require.NoError(w.t, l.HandOver(w.t.Context(), ""))
		return context.Cause(l.Context())
	}},
	{"nobody leads", func(w *world) error {
		_, err := election.New(w.c, "/e", election.Config{}).Leader(w.t.Context())
		return err
	}},
	{"a write after the leadership", func(w *world) error {
		l := w.lead()
		require.NoError(w.t, l.Resign(w.t.Context()))
		_, err := w.c.Multi(w.t.Context(), l.Check())
		return err
	}},
	{"a proclamation after the leadership", func(w *world) error {
		l := w.lead()
		require.NoError(w.t, l.Resign(w.t.Context()))
		return l.Proclaim(w.t.Context(), []byte("late"))
	}},
	{"a candidate that gives up", func(w *world) error {
		w.lead()
		_, err := election.New(w.other, "/e", election.Config{}).Campaign(w.soon())
		return err
	}},
	{"a hand-over to nobody", func(w *world) error { return w.lead().HandOver(w.t.Context(), "") }},
	{"a hand-over to a stranger", func(w *world) error {
		l := w.lead()
		w.follow()
		return l.HandOver(w.t.Context(), "c")
	}},
	{"a hand-over past Curator's candidate", func(w *world) error {
		l := w.lead()
		w.java()
		w.follow()
		return l.HandOver(w.t.Context(), "b")
	}},
	{"a hand-over in a directory of another program", func(w *world) error {
		l := w.lead()
		w.follow()
		require.NoError(w.t, w.srv.Set("/e", []byte("theirs")))
		return l.HandOver(w.t.Context(), "b")
	}},
	{"a hand-over after the leadership", func(w *world) error {
		l := w.lead()
		require.NoError(w.t, l.Resign(w.t.Context()))
		return l.HandOver(w.t.Context(), "b")
	}},
	{"a hand-over to a candidate that leaves", func(w *world) error {
		l := w.lead()
		path := w.java()
		w.srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Op == "delete" {
				_ = w.srv.Delete(path)
			}
			return zktest.Pass
		})
		return l.HandOver(w.t.Context(), "java")
	}},
	{"a priority in kazoo's dialect", func(w *world) error {
		_, err := election.New(w.c, "/e", election.Config{Priority: 1, Dialect: recipes.Kazoo}).Campaign(w.t.Context())
		return err
	}},
	{"no right to campaign", func(w *world) error {
		w.dir("/e", zk.PermCreate)
		_, err := election.New(w.c, "/e", election.Config{}).Campaign(w.t.Context())
		return err
	}},
	{"not a candidate", func(w *world) error { return election.New(w.c, "/e", election.Config{}).Status().Ready() }},
}

// barrierErrors are the situations of barriers.
var barrierErrors = []situation{
	{"closed for good", func(w *world) error {
		require.NoError(w.t, barrier.New(w.other, "/gate", barrier.Config{}).Raise(w.t.Context()))
		return barrier.New(w.c, "/gate", barrier.Config{Ephemeral: true}).Raise(w.t.Context())
	}},
	{"closed by a session", func(w *world) error {
		require.NoError(w.t, barrier.New(w.other, "/gate", barrier.Config{Ephemeral: true}).Raise(w.t.Context()))
		return barrier.New(w.c, "/gate", barrier.Config{}).Raise(w.t.Context())
	}},
	{"a gate that stays closed", func(w *world) error {
		require.NoError(w.t, barrier.New(w.other, "/gate", barrier.Config{}).Raise(w.t.Context()))
		return barrier.New(w.c, "/gate", barrier.Config{}).Wait(w.soon())
	}},
	{"no parties", func(w *world) error { return enter(w.soon(), w.c, 0) }},
	{"too many parties", func(w *world) error {
		return enter(w.soon(), clienttest.Connect(w.t, w.srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 1500 }), 100)
	}},
	{"too many members", func(w *world) error {
		for _, name := range []string{"0", "1"} { // two members that have not opened the round yet
			require.NoError(w.t, w.srv.Create("/b/"+name+uuid[1:], nil))
		}
		return enter(w.soon(), w.c, 2)
	}},
	{"not all parties come", func(w *world) error { return enter(w.soon(), w.c, 2) }},
	{"a party that was lost", func(w *world) error {
		e, err := barrier.NewDouble(w.c, "/b", 1, barrier.DoubleConfig{}).Enter(w.t.Context())
		require.NoError(w.t, err)
		require.NoError(w.t, w.srv.Delete(e.Path()))
		<-e.Context().Done()
		return e.Leave(w.t.Context())
	}},
	{"a party that left", func(w *world) error {
		e, err := barrier.NewDouble(w.c, "/b", 1, barrier.DoubleConfig{}).Enter(w.t.Context())
		require.NoError(w.t, err)
		require.NoError(w.t, e.Leave(w.t.Context()))
		return context.Cause(e.Context())
	}},
}

// enter enters the barrier /b.
func enter(ctx context.Context, c *zk.Client, parties int) error {
	_, err := barrier.NewDouble(c, "/b", parties, barrier.DoubleConfig{}).Enter(ctx)
	return err
}

// restartErrors are the situations of Detach, Resume and Shutdown.
var restartErrors = []situation{
	{"a detach after the lock", func(w *world) error {
		h := w.lock(w.c, lock.Config{})
		require.NoError(w.t, w.srv.Delete(h.Path()))
		<-h.Context().Done()
		_, err := h.Detach(w.t.Context())
		return err
	}},
	{"a resume of a deleted node", resumeAfter(func(w *world, d *recipes.Detached) { _ = w.srv.Delete(d.Path) })},
	{"a second resume", resumeAfter(func(w *world, d *recipes.Detached) {
		_, err := lock.New(w.c, "/l", lock.Config{}).Resume(w.t.Context(), *d)
		require.NoError(w.t, err)
	})},
	{"a resume by another client", resumeAfter(func(w *world, d *recipes.Detached) { w.c = w.other })},
	{"a resume with another dialect", resumeAfter(func(w *world, d *recipes.Detached) {
		d.Path = "/l/0123456789abcdef0123456789abcdef__lock__0000000000"
	})},
	{"a resume in another directory", resumeAfter(func(w *world, d *recipes.Detached) { d.Path = "/m/node" })},
	{"a shutdown without a server", func(w *world) error {
		c := clienttest.Open(w.t, w.srv)
		h := w.lock(c, lock.Config{})
		time.Sleep(time.Second)
		w.srv.Down(1, true)
		err := recipes.Shutdown(w.soon(), c, recipes.Step{Name: "release the lock", Do: h.Release})
		w.srv.Down(1, false)
		return err
	}},
	{"a shutdown with a step that hangs", func(w *world) error {
		over := make(chan struct{})
		defer close(over)
		hangs := func(context.Context) error { <-over; return nil }
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Second) // leaves time for Close
		defer cancel()
		return recipes.Shutdown(ctx, w.c, recipes.Step{Name: "stop the worker", Do: hangs})
	}},
	{"a shutdown with a step that panics", func(w *world) error {
		panics := func(context.Context) error { panic("out of range") }
		return recipes.Shutdown(w.soon(), w.c, recipes.Step{Name: "stop the worker", Do: panics})
	}},
	{"a shutdown with an empty step", func(w *world) error { return recipes.Shutdown(w.soon(), w.c, recipes.Step{Name: "stop the worker"}) }},
	{"a run that ends late", func(w *world) error {
		over := make(chan struct{})
		defer close(over)
		step := recipes.Running(w.t.Context(), "stop leading", func(context.Context) error { <-over; return errors.New("at last") })
		return step.Do(w.soon())
	}},
}

// resumeAfter returns the error of a Resume of the lock /l, after change.
func resumeAfter(change func(*world, *recipes.Detached)) func(*world) error {
	return func(w *world) error {
		d, err := w.lock(w.c, lock.Config{}).Detach(w.t.Context())
		require.NoError(w.t, err)
		change(w, &d)
		_, err = lock.New(w.c, "/l", lock.Config{}).Resume(w.t.Context(), d)
		return err
	}
}

// badArguments are mistakes in a program.
var badArguments = []situation{
	{"a nil client", func(w *world) error { return acquireIn(w, nil, "/l", lock.Config{}) }},
	{"an unknown dialect", func(w *world) error { return acquireIn(w, w.c, "/l", lock.Config{Dialect: 9}) }},
	{"an empty path", func(w *world) error { return acquireIn(w, w.c, "", lock.Config{}) }},
	{"a bad path", func(w *world) error { return acquireIn(w, w.c, "/x//y", lock.Config{}) }},
	{"a nil function", func(w *world) error { return lock.New(w.c, "/l", lock.Config{}).Do(w.t.Context(), nil) }},
	{"a nil lock", func(w *world) error { _, err := lock.NewMulti(nil).Acquire(w.t.Context()); return err }},
	{"a zero lock", func(w *world) error { _, err := new(lock.Lock).Acquire(w.t.Context()); return err }},
	{"a nil context", func(w *world) error {
		var none context.Context
		_, err := lock.New(w.c, "/l", lock.Config{}).Acquire(none)
		return err
	}},
}

func acquireIn(w *world, c *zk.Client, dir string, cfg lock.Config) error {
	_, err := lock.New(c, dir, cfg).Acquire(w.t.Context())
	return err
}
