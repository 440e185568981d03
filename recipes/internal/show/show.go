// Package show formats holds for logs, and the errors of recipes.
package show

import (
	"context"
	"fmt"
)

// Hold returns a text for a log or a terminal: the path that the hold rests on, its
// number, and its state. kind says what the number is. After ctx, the hold's
// context, has ended, the text has the cause instead of state.
func Hold(ctx context.Context, path, kind string, number int64, state string) string {
	if ctx.Err() != nil {
		state = "ended: " + context.Cause(ctx).Error()
	}
	return fmt.Sprintf("%s (%s %d, %s)", path, kind, number, state)
}
