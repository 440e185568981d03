package show

import (
	"context"
	"time"

	"github.com/zookit/zookit/internal/oneline"
)

// Since returns a text for the time since when something is so, or "" for none.
func Since(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " since " + t.UTC().Format(time.RFC3339)
}

// Registration returns one line about the state of a member or an instance: the node while
// it is registered, and otherwise the reason. After ctx has ended, the state is lost,
// although the member may not have noticed.
func Registration(state, lost string, since time.Time, node string, ctx context.Context, why error) string {
	if ctx != nil && ctx.Err() != nil && why == nil {
		state, since, why = lost, time.Time{}, context.Cause(ctx)
	}
	state += Since(since)
	switch {
	case why != nil:
		return state + ": " + oneline.Text(why.Error())
	case node != "":
		return state + ": " + node
	}
	return state
}
