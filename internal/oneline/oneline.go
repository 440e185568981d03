// Package oneline joins errors so that their text is one line. A log line, and an error
// that is shown in one, must not have a newline.
package oneline

import (
	"errors"
	"fmt"
	"strings"
)

// Join is errors.Join, but separates the texts by "; ". It leaves out nil errors.
func Join(errs ...error) error {
	var kept joined
	for _, err := range errs {
		if err != nil {
			kept = append(kept, err)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return &kept
}

type joined []error

func (j *joined) Error() string   { return replace(errors.Join(*j...).Error()) }
func (j *joined) Unwrap() []error { return *j }

// Flat returns err with a text of one line: "; " stands for each newline. It returns nil
// for nil. errors.Is and errors.As look into err.
func Flat(err error) error {
	if err == nil {
		return nil
	}
	return &flat{err}
}

// Text returns the text of a value as one line: of an error, or of what a panic has.
func Text(v any) string { return replace(fmt.Sprint(v)) }

type flat struct{ err error }

func (f *flat) Error() string { return replace(f.err.Error()) }
func (f *flat) Unwrap() error { return f.err }

func replace(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
