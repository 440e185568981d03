// Package sentinel makes the errors with which a recipe says in its own word what
// all recipes say with one value.
package sentinel

// In returns an error with the text word, in which errors.Is finds itself and of.
// Two of them are different errors, also with the same word.
func In(word string, of error) error { return &inWord{word: word, of: of} }

type inWord struct {
	word string
	of   error
}

func (e *inWord) Error() string { return e.word }

func (e *inWord) Unwrap() error { return e.of }
