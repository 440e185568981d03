package zookeeper

import (
	"context"
	"testing"
	"time"

	"github.com/kvtools/valkeyrie/store"
)

// What the store does when sessions end, and when calls fail.
func TestPort(t *testing.T) {
	t.Run("a lost lock is reported", lostLock)
	t.Run("Lock heeds its context", lockHeedsContext)
	t.Run("a lock ends with its context", lockEndsWithContext)
	t.Run("a failed Put is an error", failedPut)
	t.Run("a watch outlives its session", watchAndSession)
}

func storeOf(t *testing.T, server string) store.Store {
	t.Helper()
	s, err := New(t.Context(), []string{server}, &Config{ConnectionTimeout: 4 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func lockOf(t *testing.T, s store.Store, key string) store.Locker {
	t.Helper()
	l, err := s.NewLock(t.Context(), key, &store.LockOptions{Value: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// locked calls Lock, and reports whether it has returned in time.
func locked(ctx context.Context, l store.Locker, within time.Duration) (lost <-chan struct{}, err error, returned bool) {
	type result struct {
		lost <-chan struct{}
		err  error
	}
	done := make(chan result, 1)
	go func() {
		lost, err := l.Lock(ctx)
		done <- result{lost, err}
	}()
	select {
	case r := <-done:
		return r.lost, r.err, true
	case <-time.After(within):
		return nil, nil, false
	}
}

func lostLock(t *testing.T) {
	p := newProxy(t, client)
	a, b := storeOf(t, p.address()), storeOf(t, client)
	lost, err := lockOf(t, a, "port-lost").Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // until the store watches its lock
	p.silence(true)
	if _, err, ok := locked(t.Context(), lockOf(t, b, "port-lost"), 30*time.Second); err != nil || !ok {
		t.Fatal("the lock is not free although its holder was cut off", err)
	}
	select {
	case <-lost:
	default:
		t.Error("two holders: another store has the lock, and the first one was not told")
	}
}

func lockHeedsContext(t *testing.T) {
	a, b := storeOf(t, client), storeOf(t, client)
	if _, err := lockOf(t, a, "port-wait").Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err, ok := locked(ctx, lockOf(t, b, "port-wait"), 5*time.Second); !ok || err == nil {
		t.Error("Lock still waits 4 s after its context has ended", err)
	}
}

func lockEndsWithContext(t *testing.T) {
	a, b := storeOf(t, client), storeOf(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	lost, err := lockOf(t, a, "port-end").Lock(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-lost
	if _, err, ok := locked(t.Context(), lockOf(t, b, "port-end"), 5*time.Second); err != nil || !ok {
		t.Error("the channel of the first holder is closed, and its node stays in the queue", err)
	}
}

func failedPut(t *testing.T) {
	s := storeOf(t, client)
	if err := s.Put(t.Context(), "port-ephemeral", []byte("x"), &store.WriteOptions{TTL: time.Second}); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "port-ephemeral/child", []byte("x"), nil); err == nil {
		_, err := s.Get(t.Context(), "port-ephemeral/child", nil)
		t.Error("Put has returned no error, and Get returns:", err)
	}
}

func watchAndSession(t *testing.T) {
	p := newProxy(t, client)
	a, b := storeOf(t, p.address()), storeOf(t, client)
	put := func(value string) {
		if err := b.Put(t.Context(), "port-watch", []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	put("old")
	values, err := a.Watch(t.Context(), "port-watch", nil)
	if err != nil {
		t.Fatal(err)
	}
	if v := <-values; string(v.Value) != "old" {
		t.Fatalf("%q", v.Value)
	}
	p.silence(true)
	time.Sleep(10 * time.Second) // the server ends the session of 4 s
	put("new")
	p.silence(false)
	select {
	case v, ok := <-values:
		if !ok || string(v.Value) != "new" {
			t.Errorf("channel open: %v, value %v", ok, v)
		}
	case <-time.After(15 * time.Second):
		t.Error("the change was not reported")
	}
}
