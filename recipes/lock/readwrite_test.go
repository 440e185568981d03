package lock_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// inDialects runs a test in a bubble for each dialect.
func inDialects(t *testing.T, f func(t *testing.T, srv *zktest.Server, cfg lock.Config)) {
	for _, d := range []recipes.Dialect{recipes.Curator, recipes.Kazoo} {
		t.Run(d.String(), func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) { f(t, srv, lock.Config{Dialect: d}) })
		})
	}
}

// later acquires in the background; the channel gets the hold.
func later(t *testing.T, ctx context.Context, l *lock.Lock) <-chan *lock.Held {
	got := make(chan *lock.Held, 1)
	go func() {
		if h, err := l.Acquire(ctx); err == nil {
			got <- h
		}
	}()
	settle(t)
	return got
}

// settle waits until everything in the bubble is idle and no reply is on its way.
func settle(t *testing.T) {
	t.Helper()
	time.Sleep(100 * time.Millisecond)
	synctest.Wait()
}

// nobody fails the test if one of the channels has a hold.
func nobody(t *testing.T, got <-chan *lock.Held, why string) {
	t.Helper()
	settle(t)
	select {
	case h := <-got:
		t.Fatalf("%s has it: %s", why, h.Path())
	default:
	}
}

func release(t *testing.T, holds ...*lock.Held) {
	t.Helper()
	for _, h := range holds {
		require.NoError(t, h.Release(t.Context()))
	}
}

// failures: 68: a reader waits for the writers before it and for nobody else. A
// writer waits for everybody before it.
func TestReadWrite_ReaderWaitsForEarlierWritersOnly(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		ctx := t.Context()
		rw, other := lock.NewReadWrite(connect(t, srv), "/l", cfg), lock.NewReadWrite(connect(t, srv), "/l", cfg)
		first, err := rw.Write().Acquire(ctx)
		require.NoError(t, err)
		require.False(t, first.Shared())
		reader, reader2 := later(t, ctx, other.Read()), later(t, ctx, rw.Read())
		writer := later(t, ctx, other.Write())
		late := later(t, ctx, rw.Read())
		nobody(t, reader, "a reader beside a writer")

		list, err := rw.Contenders(ctx)
		require.NoError(t, err)
		require.Len(t, list, 5)
		require.Equal(t, []bool{true, false, false, false, false}, each(list, func(c lock.Contender) bool { return c.Holder }))
		require.Equal(t, []bool{false, true, true, false, true}, each(list, func(c lock.Contender) bool { return c.Shared }))

		release(t, first)
		r, r2 := <-reader, <-reader2
		require.True(t, r.Shared())
		require.Greater(t, r.Token(), first.Token())
		nobody(t, writer, "a writer beside readers")
		nobody(t, late, "a reader that came after a writer")
		list, err = rw.Contenders(ctx)
		require.NoError(t, err)
		require.Equal(t, []bool{true, true, false, false}, each(list, func(c lock.Contender) bool { return c.Holder }))
		_, err = rw.Read().TryAcquire(ctx)
		require.ErrorIs(t, err, lock.ErrHeld, "a writer waits")

		release(t, r)
		nobody(t, writer, "a writer beside a reader")
		release(t, r2)
		w := <-writer
		nobody(t, late, "a reader beside a writer")
		release(t, w)
		release(t, <-late)
	})
}

func each[T, R any](list []T, f func(T) R) []R {
	out := make([]R, len(list))
	for i, x := range list {
		out[i] = f(x)
	}
	return out
}

// A reader behind several writers is woken only when the last of them ends.
func TestReadWrite_ReaderIsWokenOnce(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		writers, c := connect(t, srv), connect(t, srv)
		w := lock.NewReadWrite(writers, "/l", lock.Config{}).Write()
		first, err := w.Acquire(ctx)
		require.NoError(t, err)
		second, third := later(t, ctx, w), later(t, ctx, w)
		reader := later(t, ctx, lock.NewReadWrite(c, "/l", lock.Config{}).Read())
		var asked atomic.Int64
		srv.OnRequest(func(r zktest.Request) zktest.Verdict {
			if r.Session == c.Session().ID() && r.Op != "ping" && r.Op != "sync" {
				asked.Add(1)
			}
			return zktest.Pass
		})
		release(t, first)
		h := <-second
		settle(t)
		release(t, h)
		h = <-third
		settle(t)
		require.Zero(t, asked.Load(), "requests of the reader while writers other than its predecessor leave")
		release(t, h)
		release(t, <-reader)
		require.NotZero(t, asked.Load())
	})
}

// After a downgrade readers can join, but no writer. Token and context stay as they
// are, and an earlier Check fails.
func TestReadWrite_Downgrade(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		ctx := t.Context()
		c := connect(t, srv)
		rw, other := lock.NewReadWrite(c, "/l", cfg), lock.NewReadWrite(connect(t, srv), "/l", cfg)
		h, err := rw.Write().Acquire(ctx)
		require.NoError(t, err)
		reader := later(t, ctx, other.Read())
		writer := later(t, ctx, other.Write())
		path, token, check := h.Path(), h.Token(), h.Check()

		require.NoError(t, h.Downgrade(ctx))
		require.NoError(t, h.Downgrade(ctx), "idempotent")
		require.True(t, h.Shared())
		require.Equal(t, token, h.Token())
		require.NotEqual(t, path, h.Path())
		require.Equal(t, path[len(path)-10:], h.Path()[len(h.Path())-10:], "the sequence stays")
		_, err = c.Multi(ctx, check)
		require.ErrorIs(t, err, lock.ErrNotHeld)
		_, err = c.Multi(ctx, h.Check())
		require.NoError(t, err)

		r := <-reader
		require.ErrorIs(t, r.Downgrade(ctx), lock.ErrNotWriter)
		nobody(t, writer, "a writer beside a downgraded holder")
		release(t, r)
		nobody(t, writer, "a writer beside a downgraded holder")
		require.NoError(t, h.Context().Err())
		require.NoError(t, srv.Delete(h.Path()))
		settle(t)
		require.ErrorIs(t, context.Cause(h.Context()), lock.ErrDeleted, "the new node is watched")
		release(t, h, <-writer)
	})
}

// The reply to the downgrade is lost, or the request. Downgrade finds out what
// happened, and no writer gets in between.
func TestReadWrite_DowngradeWithALostReplyIsSettled(t *testing.T) {
	for name, verdict := range map[string]zktest.Verdict{"reply": zktest.DropReplyAndCut, "request": zktest.CutBefore} {
		t.Run(name, func(t *testing.T) {
			inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
				ctx := t.Context()
				h, err := lock.NewReadWrite(connect(t, srv), "/l", cfg).Write().Acquire(ctx)
				require.NoError(t, err)
				other := lock.NewReadWrite(connect(t, srv), "/l", cfg)
				reader, writer := later(t, ctx, other.Read()), later(t, ctx, other.Write())
				var lost atomic.Int64
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "multi" && lost.Add(1) <= 3 {
						return verdict
					}
					return zktest.Pass
				})
				require.NoError(t, h.Downgrade(ctx))
				require.NotZero(t, lost.Load())
				require.True(t, h.Shared())
				require.NoError(t, h.Context().Err())
				nobody(t, writer, "a writer")
				release(t, <-reader, h)
				release(t, <-writer)
			})
		})
	}
}

// Downgrade gives up when its context ends. The next Downgrade finds out whether it
// happened.
func TestReadWrite_DowngradeThatIsNotWaitedFor(t *testing.T) {
	for _, then := range []string{"again", "release", "release without time"} {
		t.Run(then, func(t *testing.T) {
			inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
				h, err := lock.NewReadWrite(connect(t, srv), "/l", cfg).Write().Acquire(t.Context())
				require.NoError(t, err)
				settle(t)
				srv.SilenceReplies(0, true)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				err = h.Downgrade(ctx)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
				require.Equal(t, time.Second, time.Since(start))
				switch then {
				case "again":
					srv.SilenceReplies(0, false)
					require.NoError(t, h.Downgrade(t.Context()))
					require.True(t, h.Shared())
					require.Len(t, srv.Children("/l"), 1)
				case "release":
					srv.SilenceReplies(0, false)
				case "release without time":
					require.ErrorIs(t, h.Release(ctx), zk.ErrUnconfirmed)
					srv.SilenceReplies(0, false)
					time.Sleep(10 * time.Second)
				}
				release(t, h)
				require.Empty(t, srv.Children("/l"))
			})
		})
	}
}

// A Release whose context has ended leaves the nodes to the Downgrade that is under
// way. A second Downgrade waits for the first, and comes too late.
func TestReadWrite_ReleaseDuringTwoDowngradesDeletesTheNodes(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		h, err := lock.NewReadWrite(connect(t, srv), "/l", cfg).Write().Acquire(t.Context())
		require.NoError(t, err)
		settle(t)
		srv.SilenceReplies(0, true)
		results := make(chan error, 2)
		for range 2 {
			go func() { results <- h.Downgrade(context.Background()) }()
			synctest.Wait()
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, h.Release(ended), zk.ErrUnconfirmed)
		srv.SilenceReplies(0, false)
		<-results
		<-results
		time.Sleep(time.Second) // of a session of several
		require.Empty(t, srv.Children("/l"))
	})
}

// A downgrade of a lost lock returns ErrNotHeld.
func TestReadWrite_DowngradeOfALostLock(t *testing.T) {
	losses := map[string]func(srv *zktest.Server, h *lock.Held, s *zk.Session){
		"expired": func(srv *zktest.Server, _ *lock.Held, s *zk.Session) { _ = srv.ExpireSession(s.ID()) },
		"deleted": func(srv *zktest.Server, h *lock.Held, _ *zk.Session) { _ = srv.Delete(h.Path()) },
	}
	for name, lose := range losses {
		t.Run(name, func(t *testing.T) {
			inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
				c := connect(t, srv)
				h, err := lock.NewReadWrite(c, "/l", cfg).Write().Acquire(t.Context())
				require.NoError(t, err)
				settle(t)
				// The lock is lost when the request has arrived, before it is executed.
				srv.OnRequest(func(r zktest.Request) zktest.Verdict {
					if r.Op == "multi" {
						srv.OnRequest(nil)
						lose(srv, h, c.Session())
					}
					return zktest.Pass
				})
				err = h.Downgrade(t.Context())
				require.Error(t, err)
				<-h.Context().Done()
				require.ErrorIs(t, h.Downgrade(t.Context()), lock.ErrNotHeld)
				require.False(t, h.Shared())
				require.Empty(t, srv.Children("/l"))
				release(t, h)
			})
		})
	}
}

// A writer, and in kazoo's dialect a plain lock, does not hold just because the only
// node ahead is deleted: the contender ahead may have become a reader.
func TestReadWrite_SmallerNodeOfADowngradedHolderIsSeen(t *testing.T) {
	const guid, hex = "01234567-89ab-cdef-0123-456789abcdef", "0123456789abcdef0123456789abcdef"
	writer := func(c *zk.Client, cfg lock.Config) *lock.Lock { return lock.NewReadWrite(c, "/l", cfg).Write() }
	plain := func(c *zk.Client, cfg lock.Config) *lock.Lock { return lock.New(c, "/l", cfg) }
	for name, test := range map[string]struct {
		cfg       lock.Config
		of        func(*zk.Client, lock.Config) *lock.Lock
		from, new string
	}{
		"curator":          {lock.Config{}, writer, "_c_" + guid + "-__WRIT__0000000000", "_c_" + guid + "-__READ__0000000000"},
		"kazoo":            {lock.Config{Dialect: recipes.Kazoo}, writer, hex + "__lock__0000000000", hex + "__rlock__0000000000"},
		"kazoo plain lock": {lock.Config{Dialect: recipes.Kazoo}, plain, hex + "__lock__0000000000", hex + "__rlock__0000000000"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/l/"+test.from, nil))
				got := later(t, t.Context(), test.of(connect(t, srv), test.cfg))
				// Curator's way: create the reader's node, then delete the writer's.
				require.NoError(t, srv.Create("/l/"+test.new, nil))
				require.NoError(t, srv.Delete("/l/"+test.from))
				nobody(t, got, "a writer beside a downgraded holder")
				require.NoError(t, srv.Delete("/l/"+test.new))
				release(t, <-got)
			})
		})
	}
}

// A reader's hold cannot become a writer's. Acquire refuses it and does not wait for
// itself.
func TestReadWrite_UpgradeIsRefused(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		c := connect(t, srv)
		rw := lock.NewReadWrite(c, "/l", cfg)
		var old context.Context
		err := rw.Read().Do(t.Context(), func(ctx context.Context, _ *lock.Held) error {
			old = context.WithoutCancel(ctx)
			_, err := rw.Write().TryAcquire(ctx)
			require.ErrorIs(t, err, lock.ErrUpgrade)
			// Also under another lock, and through another ReadWrite.
			return lock.New(c, "/other", cfg).Do(ctx, func(ctx context.Context, _ *lock.Held) error {
				_, err := lock.NewReadWrite(c, "/l", cfg).Write().Acquire(ctx)
				return err
			})
		})
		require.ErrorIs(t, err, lock.ErrUpgrade)
		require.ErrorContains(t, err, "/l")
		// After its release the hold is no obstacle, and a writer can acquire again.
		h, err := rw.Write().Acquire(old)
		require.NoError(t, err)
		require.NoError(t, h.Downgrade(t.Context()))
		_, err = rw.Write().Acquire(h.Context())
		require.ErrorIs(t, err, lock.ErrUpgrade)
		release(t, h)
	})
}

// In Curator's dialect plain locks and read-write locks do not see each other. In
// kazoo's dialect a plain lock is a writer.
func TestReadWrite_BesideAPlainLock(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		ctx := t.Context()
		c := connect(t, srv)
		rw, plain := lock.NewReadWrite(c, "/l", cfg), lock.New(c, "/l", cfg)
		want := lock.ErrForeign
		if cfg.Dialect == recipes.Kazoo {
			want = lock.ErrHeld
		}
		h, err := plain.Acquire(ctx)
		require.NoError(t, err)
		for _, l := range []*lock.Lock{rw.Read(), rw.Write()} {
			_, err := l.TryAcquire(ctx)
			require.ErrorIs(t, err, want)
		}
		release(t, h)
		for _, l := range []*lock.Lock{rw.Read(), rw.Write()} {
			h, err := l.Acquire(ctx)
			require.NoError(t, err)
			_, err = plain.TryAcquire(ctx)
			require.ErrorIs(t, err, want)
			release(t, h)
		}
	})
}

// The names are those of the other libraries.
func TestReadWrite_Names(t *testing.T) {
	inDialects(t, func(t *testing.T, srv *zktest.Server, cfg lock.Config) {
		rw := lock.NewReadWrite(connect(t, srv), "/l", cfg)
		const uuid, hex = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "[0-9a-f]{32}"
		form := map[recipes.Dialect]string{recipes.Curator: "^/l/_c_" + uuid + "-__KIND__0{10}$", recipes.Kazoo: "^/l/" + hex + "__KIND__0{10}$"}[cfg.Dialect]
		read, write := "READ", "WRIT"
		if cfg.Dialect == recipes.Kazoo {
			read, write = "rlock", "lock"
		}
		h, err := rw.Write().Acquire(t.Context())
		require.NoError(t, err)
		require.Regexp(t, strings.Replace(form, "KIND", write, 1), h.Path())
		require.NoError(t, h.Downgrade(t.Context()))
		require.Regexp(t, strings.Replace(form, "KIND", read, 1), h.Path())
		r, err := rw.Read().Acquire(t.Context())
		require.NoError(t, err)
		require.Regexp(t, strings.Replace(strings.Replace(form, "KIND", read, 1), "0{10}", "0{9}[12]", 1), r.Path())
		release(t, r, h)
	})
}
