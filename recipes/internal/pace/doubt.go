package pace

import "github.com/zookit/zookit/internal/doubt"

// Doubt is what a loop that repeats a write knows of its earlier tries.
type Doubt = doubt.Doubt

// Left is doubt.Left.
func Left(call string, err error) error { return doubt.Left(call, err) }

// Last is doubt.Last.
func Last(err error) error { return doubt.Last(err) }
