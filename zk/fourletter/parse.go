package fourletter

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// asked asks for a word and parses the answer.
func asked[R any](ctx context.Context, s Server, word string, parse func(string) (R, error)) (R, error) {
	var none R
	answer, err := s.ask(ctx, word)
	if err == nil {
		var r R
		if r, err = parse(answer); err == nil {
			return r, nil
		}
	}
	return none, s.failed(word, err)
}

// fields are the lines of an answer, as names with values.
type fields struct {
	answer string
	lines  Values
	err    error // of the first name that is missing or has a bad value
}

func parse(answer, separator string) *fields {
	f := &fields{answer: answer, lines: Values{}}
	for line := range strings.Lines(answer) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), separator); ok {
			f.lines[name] = strings.TrimSpace(value)
		}
	}
	return f
}

func (f *fields) fault(what string) {
	if f.err == nil {
		f.err = alien(f.answer, "it has no good "+what)
	}
}

func (f *fields) text(name string) string {
	value, ok := f.lines[name]
	if !ok {
		f.fault(name)
	}
	return value
}

func (f *fields) number(name string) int64 {
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil {
		f.fault(name)
	}
	return n
}

// hex parses a zxid or a session id: unsigned, with 0x before it.
func (f *fields) hex(name string) int64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(f.text(name), "0x"), 16, 64)
	if err != nil {
		f.fault(name)
	}
	return int64(n)
}

func (f *fields) millis(value string) time.Duration {
	ms, err := strconv.ParseFloat(value, 64)
	if err != nil {
		f.fault("latency")
	}
	return time.Duration(ms * float64(time.Millisecond))
}
