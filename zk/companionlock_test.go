package zk_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A function that makes a companion may block, and may ask for another companion: no
// lock of the client is held meanwhile. Neither another companion nor Close waits for
// it.
func TestCompanion_IsMadeUnderNoLock(t *testing.T) {
	srv, err := zktest.New(zktest.Config{})
	require.NoError(t, err)
	defer func() { _ = srv.Close() }()
	c := clienttest.Open(t, srv)
	began, goOn, made := make(chan struct{}), make(chan struct{}), make(chan *companion)
	go func() {
		made <- c.Companion(1, func(context.Context) zk.Companion {
			close(began)
			<-goOn
			return &companion{}
		}).(*companion)
	}()
	<-began
	done := make(chan error, 1)
	go func() {
		accompany(c, 2, nil)
		done <- c.Close(inTime(t))
	}()
	select {
	case err := <-done:
		require.NoError(t, err)
	case <-time.After(20 * time.Second): // bounds a failure only
		close(goOn)
		<-made
		<-done
		t.Fatal("a companion that is being made holds up another one, or Close")
	}
	close(goOn)
	require.Equal(t, []string{"closing"}, (<-made).noted(), "one that is made later begins nothing")
}

// After a panic of the function that makes a companion, the next call makes it.
func TestCompanion_IsMadeAfterAPanic(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		require.Panics(t, func() { c.Companion(companionKey(1), func(context.Context) zk.Companion { panic("no") }) })
		require.NotNil(t, accompany(c, 1, nil))
	})
}
