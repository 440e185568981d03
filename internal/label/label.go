// Package label names the long-living goroutines of the library in profiles and
// goroutine dumps: a label says which client, or which recipe at which path.
//
// Only goroutines that the library starts for itself have a label. A goroutine that calls
// the library keeps its own labels, because nothing can read them to set them again. Its
// stack names the call, such as lock.(*Lock).Acquire.
package label

import (
	"context"
	"runtime/pprof"
)

// Label is what a goroutine is labelled with. The zero Label is none.
type Label struct{ set context.Context }

// Key is the label that says whose goroutine it is: "client", or the name of a recipe.
const Key = "zookit"

// Of returns the label of a recipe at a path.
func Of(recipe, path string) Label { return of(recipe, "path", path) }

// Client returns the label of a client of servers.
func Client(servers string) Label { return of("client", "servers", servers) }

func of(whose, key, value string) Label {
	return Label{pprof.WithLabels(context.Background(), pprof.Labels(Key, whose, key, value))}
}

// Set labels the calling goroutine, and those that it starts from now on.
func (l Label) Set() {
	if l.set != nil {
		pprof.SetGoroutineLabels(l.set)
	}
}
