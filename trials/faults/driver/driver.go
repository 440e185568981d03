// Package driver is the part of a trial that runs in the process of a program: it follows
// the orders of the harness, works while the program holds its lock, and reports when.
//
// The arguments of the process are the servers, the session timeout, a directory and a
// name. An order is a line "<number> acquire", "<number> release" or "<number> close" on
// the standard input. A report is a line on the standard output:
//
//	@ <time> ready
//	@ <time> ok <number>
//	@ <time> error <number> <text>
//	@ <time> holds <term>
//	@ <time> work <term> <teller> <from> <to>
//	@ <time> told <term> <teller>
//	@ <time> ends <term>
//
// A term begins when the program is granted the lock, and ends before it releases it. All
// times are nanoseconds of the machine's clock. Other lines are the program's own log.
package driver

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Tellers are the ways in which a holder can learn that it has lost the lock. Each
// function reports whether the lock is still held as far as this one says.
type Tellers map[string]func() bool

// Program is a client of a lock or an election.
type Program interface {
	// Acquire waits until the lock is granted. It calls holds at each grant: a candidate
	// of an election may get several, also after Acquire has returned.
	Acquire(holds func(Tellers)) error
	// Release gives the lock back.
	Release() error
	// Close ends the session.
	Close()
}

// Options are the arguments of the process.
type Options struct {
	Servers []string
	Timeout time.Duration // of the session
	Dir     string        // exists
	Name    string
}

// tick is the pause between two units of work, and gap the pause that splits the work in
// two: the process stood still.
const (
	tick = 10 * time.Millisecond
	gap  = 100 * time.Millisecond
	// flush is how often work that goes on is reported.
	flush = 500 * time.Millisecond
)

// Main runs a program. It returns when the program was told to close.
func Main(open func(Options) (Program, error)) {
	timeout, err := time.ParseDuration(os.Args[2])
	if err != nil {
		fatal(err)
	}
	p, err := open(Options{Servers: strings.Split(os.Args[1], ","), Timeout: timeout, Dir: os.Args[3], Name: os.Args[4]})
	if err != nil {
		fatal(err)
	}
	d := &driver{p: p}
	d.say("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		number, order, _ := strings.Cut(lines.Text(), " ")
		if order == "close" {
			d.answer(number, d.run(order))
			return
		}
		go func() { d.answer(number, d.run(order)) }()
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// driver runs one program.
type driver struct {
	p      Program
	saying sync.Mutex

	mu    sync.Mutex // guards the fields below
	terms int
	term  *term // the newest, if it has not ended
}

// term is the time of one grant.
type term struct {
	number  int
	stop    chan struct{}
	workers sync.WaitGroup
}

func (d *driver) run(order string) error {
	switch order {
	case "acquire":
		return d.p.Acquire(d.begin)
	case "release":
		d.end()
		err := d.p.Release()
		d.end() // a candidate may have been granted a term in between
		return err
	case "close":
		d.end()
		d.p.Close()
		return nil
	}
	return fmt.Errorf("no order %q", order)
}

func (d *driver) answer(number string, err error) {
	if err != nil {
		d.say("error", number, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	d.say("ok", number)
}

// say writes a report.
func (d *driver) say(words ...any) {
	now := time.Now().UnixNano()
	d.saying.Lock()
	defer d.saying.Unlock()
	fmt.Print("@ ", now, " ", fmt.Sprintln(words...))
}

// begin begins a term, with a worker for each teller.
func (d *driver) begin(tellers Tellers) {
	d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.terms++
	t := &term{number: d.terms, stop: make(chan struct{})}
	d.term = t
	d.say("holds", t.number)
	for name, holds := range tellers {
		t.workers.Go(func() { d.work(t, name, holds) })
	}
}

// end stops the work of the newest term, as a program does before it releases.
func (d *driver) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.term == nil {
		return
	}
	close(d.term.stop)
	d.term.workers.Wait()
	d.say("ends", d.term.number)
	d.term = nil
}

// work works until the holder is told of the loss, or the term ends. The time of a unit
// of work is taken before the holder asks whether it holds the lock. So at that time it
// did, as far as it knew.
func (d *driver) work(t *term, teller string, holds func() bool) {
	var from, to time.Time
	report := func() {
		if !from.IsZero() {
			d.say("work", t.number, teller, from.UnixNano(), to.UnixNano())
		}
	}
	defer func() { report() }()
	for {
		now := time.Now()
		if !holds() {
			d.say("told", t.number, teller)
			return
		}
		switch {
		case from.IsZero():
			from = now
		case now.Sub(to) > gap:
			report()
			from = now
		case now.Sub(from) > flush:
			to = now
			report()
			from = now
		}
		to = now
		select {
		case <-t.stop:
			return
		case <-time.After(tick):
		}
	}
}
