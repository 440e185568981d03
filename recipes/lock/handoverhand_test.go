package lock_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// Hand over hand: each lock of a list is acquired under the context of the one
// before, which is then released. A hold does not keep the earlier ones in memory.
func TestLock_HandOverHandIsFlat(t *testing.T) {
	type hold struct {
		ctx     context.Context
		release func(context.Context) error
	}
	held := func(h *lock.Held, err error) (hold, error) {
		if err != nil {
			return hold{}, err
		}
		return hold{h.Context(), h.Release}, nil
	}
	var permits [2]*lock.Semaphore
	for name, next := range map[string]func(ctx context.Context, locks [2]*lock.ReadWrite, plain [2]*lock.Lock, i int) (hold, error){
		"plain": func(ctx context.Context, _ [2]*lock.ReadWrite, plain [2]*lock.Lock, i int) (hold, error) {
			return held(plain[i%2].Acquire(ctx))
		},
		"readers": func(ctx context.Context, locks [2]*lock.ReadWrite, _ [2]*lock.Lock, i int) (hold, error) {
			return held(locks[i%2].Read().Acquire(ctx))
		},
		"writers": func(ctx context.Context, locks [2]*lock.ReadWrite, _ [2]*lock.Lock, i int) (hold, error) {
			return held(locks[i%2].Write().Acquire(ctx))
		},
		"several": func(ctx context.Context, _ [2]*lock.ReadWrite, plain [2]*lock.Lock, i int) (hold, error) {
			m, err := lock.NewMulti(plain[i%2]).Acquire(ctx)
			if err != nil {
				return hold{}, err
			}
			return hold{m.Context(), m.Release}, nil
		},
		"permits": func(ctx context.Context, _ [2]*lock.ReadWrite, _ [2]*lock.Lock, i int) (hold, error) {
			p, err := permits[i%2].Acquire(ctx, 2)
			if err != nil {
				return hold{}, err
			}
			return hold{p.Context(), p.Release}, nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			inRealTime(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := connect(t, srv)
				var locks [2]*lock.ReadWrite
				var plain [2]*lock.Lock
				for i := range locks {
					locks[i] = lock.NewReadWrite(c, fmt.Sprint("/rw/", i), lock.Config{})
					plain[i] = lock.New(c, fmt.Sprint("/plain/", i), lock.Config{})
					permits[i] = lock.NewSemaphore(c, fmt.Sprint("/s/", i), 2, lock.Config{})
				}
				type key struct{}
				h, err := next(context.WithValue(t.Context(), key{}, "mine"), locks, plain, 0)
				require.NoError(t, err)
				walk := func(steps int) uint64 {
					for i := range steps {
						n, err := next(h.ctx, locks, plain, i+1)
						require.NoError(t, err)
						require.NoError(t, h.release(t.Context()))
						require.Error(t, h.ctx.Err())
						h = n
					}
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					return m.HeapAlloc
				}
				before := walk(200)
				const steps = 1000
				after := walk(steps)
				require.Less(t, int64(after)-int64(before), int64(steps*50), "bytes kept by %d steps", steps)
				require.Equal(t, "mine", h.ctx.Value(key{}), "it has the values of the first")
				require.NoError(t, h.ctx.Err())
				require.NoError(t, h.release(t.Context()))
			})
		})
	}
}

// A hold that is acquired under another one has its values, and outlives it.
func TestLock_HoldUnderAnotherHasItsValues(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		type key struct{ n int }
		c := connect(t, srv)
		ctx := context.Context(t.Context())
		var holds []*lock.Held
		for i := range 4 {
			h, err := lock.New(c, fmt.Sprint("/", i), lock.Config{}).Acquire(context.WithValue(ctx, key{i}, i))
			require.NoError(t, err)
			holds = append(holds, h)
			ctx = h.Context()
		}
		for _, h := range holds[:3] {
			require.NoError(t, h.Release(t.Context()))
		}
		time.Sleep(time.Minute)
		require.NoError(t, ctx.Err())
		for i := range 4 {
			require.Equal(t, i, ctx.Value(key{i}))
		}
		require.NoError(t, holds[3].Release(t.Context()))
	})
}
