package zk2topo

import (
	"context"
	"testing"
	"time"

	"vitess.io/vitess/go/testfiles"
	"vitess.io/vitess/go/vt/topo"
	"vitess.io/vitess/go/vt/zkctl"
)

// What zk2topo does when connections and sessions end.
func TestPort(t *testing.T) {
	defer func(d time.Duration) { baseTimeout = d }(baseTimeout)
	baseTimeout = 4 * time.Second
	zkd, server := zkctl.StartLocalZk(testfiles.GoVtTopoZk2topoZkID, testfiles.GoVtTopoZk2topoPort)
	defer func() { _ = zkd.Teardown() }()

	t.Run("a stopped candidate leaves the queue", func(t *testing.T) { stoppedCandidate(t, server) })
	t.Run("Check reports a lost lock", func(t *testing.T) { lostLock(t, server) })
	t.Run("a lock outlives its connection", func(t *testing.T) { lockAndConnection(t, server) })
	t.Run("Unlock of a lost lock leaves the next holder alone", func(t *testing.T) { lateUnlock(t, server) })
	t.Run("TryLock does not wait", func(t *testing.T) { tryLock(t, server) })
	t.Run("a watch outlives its connection", func(t *testing.T) { watchAndConnection(t, server) })
}

// connTo returns a connection to the file system below /port.
func connTo(t *testing.T, server string) topo.Conn {
	t.Helper()
	c, err := Factory{}.Create("cell", server, "/port")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// file creates a file in a directory of the test.
func file(t *testing.T, c topo.Conn, path string) {
	t.Helper()
	if _, err := c.Update(t.Context(), path, []byte("old"), nil); err != nil {
		t.Fatal(err)
	}
}

func lockDir(t *testing.T, c topo.Conn, dir string) topo.LockDescriptor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	d, err := c.Lock(ctx, dir, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func stoppedCandidate(t *testing.T, server string) {
	c := connTo(t, server)
	file(t, c, "/stopped")
	candidate := func(id string) topo.LeaderParticipation {
		p, err := c.NewLeaderParticipation("stopped", id)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	a, b, third := candidate("a"), candidate("b"), candidate("c")
	if _, err := a.WaitForLeadership(); err != nil {
		t.Fatal(err)
	}
	go b.WaitForLeadership()
	for queued := 0; queued < 2; time.Sleep(10 * time.Millisecond) {
		list, err := c.ListDir(t.Context(), "/elections/stopped", false)
		if err != nil {
			t.Fatal(err)
		}
		queued = len(list)
	}
	b.Stop()
	leads := make(chan error, 1)
	go func() {
		_, err := third.WaitForLeadership()
		leads <- err
	}()
	a.Stop()
	select {
	case err := <-leads:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("nobody leads: the node of the stopped candidate is first in the queue")
	}
}

func lostLock(t *testing.T, server string) {
	p := newProxy(t, server)
	a, b := connTo(t, p.address()), connTo(t, server)
	file(t, b, "/lost/file")
	held := lockDir(t, a, "/lost")
	p.silence(true)
	lockDir(t, b, "/lost")
	if held.Check(t.Context()) == nil {
		t.Error("two holders: another client has the lock, and Check of the first one says that it is held")
	}
}

func lockAndConnection(t *testing.T, server string) {
	p := newProxy(t, server)
	a, b := connTo(t, p.address()), connTo(t, server)
	file(t, b, "/cut/file")
	held := lockDir(t, a, "/cut")
	p.cut()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := b.Lock(ctx, "/cut", "second"); !topo.IsErrType(err, topo.Timeout) {
		t.Errorf("another client has got the lock: %v", err)
	}
	if err := held.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func lateUnlock(t *testing.T, server string) {
	p := newProxy(t, server)
	a, b := connTo(t, p.address()), connTo(t, server)
	file(t, b, "/late/file")
	held := lockDir(t, a, "/late")
	p.silence(true)
	if err := lockDir(t, b, "/late").Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := lockDir(t, b, "/late")
	p.silence(false)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	t.Log("Unlock of the lost lock:", held.Unlock(ctx))
	if _, err := b.TryLock(ctx, "/late", "third"); !topo.IsErrType(err, topo.NodeExists) {
		t.Errorf("two holders: Unlock of a lost lock has deleted the node of the next holder (%v)", err)
	}
	if err := next.Check(ctx); err != nil {
		t.Error(err)
	}
}

func tryLock(t *testing.T, server string) {
	c := connTo(t, server)
	file(t, c, "/try/file")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tries := make(chan error)
	const n = 8
	for range n {
		go func() {
			_, err := c.TryLock(ctx, "/try", "")
			tries <- err
		}()
	}
	for range n {
		if err := <-tries; topo.IsErrType(err, topo.Timeout) {
			t.Error("TryLock has waited for the holder until its context ended")
		}
	}
}

func watchAndConnection(t *testing.T, server string) {
	p := newProxy(t, server)
	a, b := connTo(t, p.address()), connTo(t, server)
	file(t, b, "/watch/file")
	_, changes, err := a.Watch(t.Context(), "/watch/file")
	if err != nil {
		t.Fatal(err)
	}
	p.cut()
	if _, err := b.Update(t.Context(), "/watch/file", []byte("new"), nil); err != nil {
		t.Fatal(err)
	}
	select {
	case w := <-changes:
		if w.Err != nil || string(w.Contents) != "new" {
			t.Errorf("contents %q, error: %v", w.Contents, w.Err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the change was not reported")
	}
}
