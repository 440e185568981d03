package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// event is something that a process has reported, or an order that it was given.
type event struct {
	who    string // A, B or C
	at     time.Time
	kind   string // ready, ok, error, holds, work, told, ends; lost, kept: see round
	number int    // of the order or the term
	teller string
	from   time.Time // of work
	to     time.Time
	text   string // of an error
}

// parse reads a report of package driver. ok is false for other lines.
func parse(who, line string) (e event, ok bool) {
	f := strings.Fields(line)
	if len(f) < 3 || f[0] != "@" {
		return e, false
	}
	e = event{who: who, at: nanos(f[1]), kind: f[2]}
	if len(f) > 3 {
		e.number, _ = strconv.Atoi(f[3])
	}
	rest := f[min(len(f), 4):]
	switch e.kind {
	case "error":
		e.text = strings.Join(rest, " ")
	case "told":
		e.teller = strings.Join(rest, " ")
	case "work":
		if len(rest) < 3 {
			return e, false
		}
		n := len(rest)
		e.teller = strings.Join(rest[:n-2], " ")
		e.from, e.to = nanos(rest[n-2]), nanos(rest[n-1])
	}
	return e, true
}

func nanos(s string) time.Time {
	n, _ := strconv.ParseInt(s, 10, 64)
	return time.Unix(0, n)
}

// record is what happened in a round: the events, and a log for people.
type record struct {
	start time.Time

	mu     sync.Mutex
	events []event
	log    strings.Builder
}

// note adds a line to the log.
func (r *record) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.log, "%8.3f  %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

// add adds an event.
func (r *record) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	at := e.at.Sub(r.start).Seconds()
	if e.kind == "work" {
		fmt.Fprintf(&r.log, "%8.3f  %s works by %q from %.3f to %.3f\n", at, e.who, e.teller,
			e.from.Sub(r.start).Seconds(), e.to.Sub(r.start).Seconds())
		return
	}
	fmt.Fprintf(&r.log, "%8.3f  %s %s %d %s%s\n", at, e.who, e.kind, e.number, e.teller, e.text)
}

// all returns the events so far.
func (r *record) all() []event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]event(nil), r.events...)
}

// text returns the log so far.
func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}
