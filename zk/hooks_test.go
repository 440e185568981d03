package zk_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/zookit/zookit/zk"
)

// onCall is a hook of one kind.
type onCall func(zk.CallEnded)

func (f onCall) OnCallEnded(e zk.CallEnded) { f(e) }

// recorder has all kinds of hooks. It keeps what they get, in order. before, if it is
// set, is called first: it may block or panic.
type recorder struct {
	before func(event any)

	mu     sync.Mutex
	events []any
}

func (r *recorder) add(e any) {
	r.mu.Lock()
	r.events = append(r.events, e)
	r.mu.Unlock()
	if r.before != nil {
		r.before(e)
	}
}

type (
	leaseRenewed struct{ zk.LeaseMargin }
	leaseLapsed  struct{ zk.LeaseMargin }
)

func (r *recorder) OnConnTried(e zk.ConnTried)             { r.add(e) }
func (r *recorder) OnConnOpened(e zk.ConnOpened)           { r.add(e) }
func (r *recorder) OnConnLost(e zk.ConnLost)               { r.add(e) }
func (r *recorder) OnSessionOpened(e zk.SessionOpened)     { r.add(e) }
func (r *recorder) OnSessionResumed(e zk.SessionResumed)   { r.add(e) }
func (r *recorder) OnSessionEnded(e zk.SessionEnded)       { r.add(e) }
func (r *recorder) OnRequestWritten(e zk.RequestWritten)   { r.add(e) }
func (r *recorder) OnRequestAnswered(e zk.RequestAnswered) { r.add(e) }
func (r *recorder) OnCallEnded(e zk.CallEnded)             { r.add(e) }
func (r *recorder) OnWatchFired(e zk.WatchFired)           { r.add(e) }
func (r *recorder) OnWatchLost(e zk.WatchLost)             { r.add(e) }
func (r *recorder) OnLeaseRenewed(e zk.LeaseMargin)        { r.add(leaseRenewed{e}) }
func (r *recorder) OnLeaseLapsed(e zk.LeaseMargin)         { r.add(leaseLapsed{e}) }

// on makes the recorder the hook of a client.
func (r *recorder) on(cfg *zk.Config) { cfg.Hooks = append(cfg.Hooks, r) }

// all returns the events so far.
func (r *recorder) all() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// forget drops the events so far.
func (r *recorder) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = nil
}

// eventsOf returns the events of one kind.
func eventsOf[E any](r *recorder) (out []E) {
	for _, e := range r.all() {
		if e, ok := e.(E); ok {
			out = append(out, e)
		}
	}
	return out
}

// requests returns the events of requests and calls, and of lost connections, as
// lines: "written set /n", "answered set /n: unknown", "call set /n: unknown", "conn
// lost". It leaves out the client's own requests.
func (r *recorder) requests() []string {
	return r.lines(func(e any) bool {
		switch e := e.(type) {
		case zk.RequestWritten:
			return !e.Internal
		case zk.RequestAnswered:
			return !e.Internal
		case zk.CallEnded, zk.ConnLost:
			return true
		}
		return false
	})
}

// lines returns the events that pick accepts, a line each.
func (r *recorder) lines(pick func(any) bool) (out []string) {
	for _, e := range r.all() {
		if pick(e) {
			out = append(out, line(e))
		}
	}
	return out
}

func line(e any) string {
	switch e := e.(type) {
	case zk.ConnTried:
		return "tried: " + verdict(e.Err)
	case zk.ConnOpened:
		return "conn opened"
	case zk.ConnLost:
		return "conn lost"
	case zk.SessionOpened:
		return "session opened"
	case zk.SessionResumed:
		return "session resumed"
	case zk.SessionEnded:
		return "session ended: " + e.Err.Error()
	case zk.RequestWritten:
		return strings.TrimSpace("written " + e.Op + " " + e.Path + again(e.Try))
	case zk.RequestAnswered:
		return "answered " + e.Op + " " + e.Path + again(e.Try) + ": " + verdict(e.Err)
	case zk.CallEnded:
		return "call " + e.Op + " " + e.Path + again(e.Tries) + ": " + verdict(e.Err)
	}
	return fmt.Sprintf("%T", e)
}

func again(try int) string {
	if try == 1 {
		return ""
	}
	return fmt.Sprintf(" (try %d)", try)
}

func verdict(err error) string {
	if err == nil {
		return "ok"
	}
	if _, ok := errors.AsType[*zk.OpError](err); ok {
		return zk.OutcomeOf(err).String()
	}
	return "failed"
}
