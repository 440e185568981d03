package main

import (
	"slices"
	"time"
)

// verdict is what a round has shown of one way of telling the holder.
type verdict struct {
	Together bool          // two worked under the lock at once
	Overlap  time.Duration // for how long
	Lost     bool          // a holder has lost the lock before it released it
	Silent   bool          // and was not told by then
	Hung     []string      // what did not return
	Left     int           // nodes when all have released, and live on
	Stayed   int           // nodes when all have ended
	Gone     bool          // a registration was lost for good
	Twice    bool          // there were two nodes of one registration
}

// tellers returns the ways of telling that the events name.
func tellers(events []event) []string {
	var names []string
	for _, e := range events {
		if (e.kind == "work" || e.kind == "told") && !slices.Contains(names, e.teller) {
			names = append(names, e.teller)
		}
	}
	slices.Sort(names)
	return names
}

// judge returns what the events say of one way of telling.
func judge(events []event, teller string) verdict {
	var v verdict
	v.Together, v.Overlap = together(events, teller)
	for i, e := range events {
		if e.kind != "lost" {
			continue
		}
		v.Lost = true
		v.Silent = v.Silent || termAt(events[:i], e.who) > 0 && !toldSince(events[:i], e.who, teller)
	}
	return v
}

// toldSince reports whether a process was told of a loss after its last release. A
// candidate that was told may lead again by then, with another node.
func toldSince(events []event, who, teller string) bool {
	told := false
	for _, e := range events {
		switch {
		case e.who != who:
		case e.kind == "lost" || e.kind == "kept":
			told = false
		case e.kind == "told" && e.teller == teller:
			told = true
		}
	}
	return told
}

// termAt returns the number of the term that a process is in after these events, or 0.
func termAt(events []event, who string) int {
	term := 0
	for _, e := range events {
		switch {
		case e.who == who && e.kind == "holds":
			term = e.number
		case e.who == who && e.kind == "ends":
			term = 0
		}
	}
	return term
}

// together reports whether two processes worked at the same time, and for how long.
func together(events []event, teller string) (hit bool, overlap time.Duration) {
	var work []event
	for _, e := range events {
		if e.kind == "work" && e.teller == teller {
			work = append(work, e)
		}
	}
	for i, x := range work {
		for _, y := range work[i+1:] {
			if x.who == y.who {
				continue
			}
			from, to := x.from, x.to
			if y.from.After(from) {
				from = y.from
			}
			if y.to.Before(to) {
				to = y.to
			}
			if !to.Before(from) {
				hit = true
				overlap += to.Sub(from)
			}
		}
	}
	return hit, overlap
}
