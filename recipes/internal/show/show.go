// Package show prints holds.
package show

import (
	"context"
	"fmt"
)

// Hold is a hold for a log or a terminal: what it rests on, its number, and either
// state, while its context ctx lasts, or why it ended. kind says what the number is.
func Hold(ctx context.Context, path, kind string, number int64, state string) string {
	if ctx.Err() != nil {
		state = "ended: " + context.Cause(ctx).Error()
	}
	return fmt.Sprintf("%s (%s %d, %s)", path, kind, number, state)
}
