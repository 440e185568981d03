package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// record is what an operator would have: the lines of the log, and the metrics over time.
// Many goroutines may add to it.
type record struct {
	mu      sync.Mutex // guards the fields below, and cast.running
	began   time.Time  // of the incident; zero before
	start   time.Time
	ended   bool // nothing more is recorded
	lines   []line
	samples map[string][]sample // by worker
}

// line is a line of the log, or something that the story does.
type line struct {
	at     time.Time
	worker string // "": something that the story does
	text   string
}

// sample is the metrics of a worker at one time. A worker that has not answered has
// none.
type sample struct {
	at     time.Time
	values map[string]float64
}

func newRecord() *record { return &record{start: time.Now(), samples: map[string][]sample{}} }

// log records a line of a worker's log, with the time that it begins with.
func (r *record) log(worker, text string) {
	at := time.Now()
	if stamp, rest, ok := strings.Cut(strings.TrimPrefix(text, "time="), " "); ok {
		if t, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
			at, text = t, rest
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ended {
		r.lines = append(r.lines, line{at, worker, text})
	}
}

// mark records what the story does now. The first mark begins the incident.
func (r *record) mark(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now().Truncate(time.Millisecond) // as in the log
	if r.began.IsZero() {
		r.began = now
	}
	r.lines = append(r.lines, line{at: now, text: fmt.Sprintf(format, args...)})
}

// end ends the record.
func (r *record) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
}

// sample records the metrics of a worker.
func (r *record) sample(worker string, at time.Time, values map[string]float64, ok bool) {
	if !ok {
		values = nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples[worker] = append(r.samples[worker], sample{at, values})
}

// newest returns the newest value of a metric.
func (r *record) newest(worker, series string) (float64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.samples[worker]
	if len(all) == 0 {
		return 0, false
	}
	v, ok := all[len(all)-1].values[series]
	return v, ok
}

// seconds returns the time of an event, counted from the beginning of the incident.
func (r *record) seconds(at time.Time) float64 {
	from := r.began
	if from.IsZero() {
		from = r.start
	}
	return at.Sub(from).Seconds()
}

// text returns the log of all workers, in the order of time.
func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	sorted := slices.Clone(r.lines)
	slices.SortStableFunc(sorted, func(a, b line) int { return a.at.Compare(b.at) })
	var out strings.Builder
	for _, l := range sorted {
		if l.worker == "" {
			fmt.Fprintf(&out, "%6.2f -------- %s\n", r.seconds(l.at), l.text)
			continue
		}
		fmt.Fprintf(&out, "%6.2f %s %s\n", r.seconds(l.at), l.worker, l.text)
	}
	return out.String()
}

var (
	guid     = regexp.MustCompile(`(_c_[0-9a-f]{8})[0-9a-f-]{28}-`)
	loopback = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// shown returns a function that makes the lines of a worker fit for the page: servers
// have their names in place of their addresses, the worker has its own, and the GUIDs in
// the names of nodes are cut.
func (c *cast) shown(t task) func(string) string {
	var names []string
	for name, addr := range t.Servers {
		names = append(names, addr, name)
	}
	servers := strings.NewReplacer(names...)
	return func(text string) string {
		text = loopback.ReplaceAllString(servers.Replace(text), t.Name)
		return guid.ReplaceAllString(text, "$1…-")
	}
}

// parsed reads metrics in the text format of Prometheus: a line is a name with labels,
// and a value.
func parsed(from io.Reader) (map[string]float64, error) {
	values := map[string]float64{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		text := lines.Text()
		if strings.HasPrefix(text, "#") {
			continue
		}
		cut := strings.LastIndexByte(text, ' ')
		if cut < 0 {
			continue
		}
		v, err := strconv.ParseFloat(text[cut+1:], 64)
		if err != nil {
			return nil, err
		}
		values[text[:cut]] = v
	}
	return values, lines.Err()
}
