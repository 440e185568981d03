package lock_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zktest"
)

// The embedded server's allocations are counted too, so these compare one
// version with another; bench/ compares with other clients.

func BenchmarkLock_Alone(b *testing.B) {
	l := lock.New(connect(b, zktest.Start(b, zktest.Config{})), "/l", lock.Config{})
	b.ReportAllocs()
	for b.Loop() {
		h, err := l.Acquire(b.Context())
		require.NoError(b, err)
		require.NoError(b, h.Release(b.Context()))
	}
}

func BenchmarkLock_16Contenders(b *testing.B) {
	srv := zktest.Start(b, zktest.Config{})
	turns := make(chan struct{})
	var contenders sync.WaitGroup
	for range 16 {
		l := lock.New(connect(b, srv), "/l", lock.Config{})
		contenders.Go(func() {
			for range turns {
				h, err := l.Acquire(b.Context())
				if err != nil {
					b.Error(err)
					return
				}
				if err := h.Release(b.Context()); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		turns <- struct{}{}
	}
	close(turns)
	contenders.Wait()
}
