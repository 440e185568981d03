package show

import (
	"fmt"

	"github.com/zookit/zookit/internal/oneline"
)

// Error returns err as a recipe returns it: with the name of the recipe and the place,
// its directory or node, before the text. The text is one line. place may be empty.
func Error(recipe, place string, err error) error {
	if place != "" {
		recipe += ": " + place
	}
	return oneline.Flat(fmt.Errorf("%s: %w", recipe, err))
}
