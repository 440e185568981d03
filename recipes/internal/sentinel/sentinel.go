// Package sentinel makes a recipe's own errors for what all recipes have in common.
// Each wraps the value that all recipes share.
package sentinel

// In returns an error with the text word. errors.Is finds the error itself and of in
// it. Two errors from In are different, even if they have the same text.
func In(word string, of error) error { return &inWord{word: word, of: of} }

type inWord struct {
	word string
	of   error
}

func (e *inWord) Error() string { return e.word }

func (e *inWord) Unwrap() error { return e.of }
