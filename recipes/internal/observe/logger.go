package observe

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Logger returns the logger of a recipe: its own, or else that of the client. A panic of
// its handler goes no further. Many lines are logged on goroutines of the library, where
// a panic would end the program, and others between the grant of a hold and the return of
// the call that gives it to the caller.
func Logger(c *zk.Client, own *slog.Logger) *slog.Logger {
	if own == nil && refused.Client(c) == nil {
		own = c.Config().Logger
	}
	own = cmp.Or(own, slog.New(slog.DiscardHandler)) // a Client that Connect has not made has none
	if _, guarded := own.Handler().(guard); guarded {
		return own
	}
	return slog.New(guard{own.Handler()})
}

// guard is a log handler that swallows the panics of another.
type guard struct{ slog.Handler }

func (g guard) Enabled(ctx context.Context, level slog.Level) (takes bool) {
	defer func() { _ = recover() }()
	return g.Handler.Enabled(ctx, level)
}

func (g guard) Handle(ctx context.Context, line slog.Record) (err error) {
	defer func() { _ = recover() }()
	return g.Handler.Handle(ctx, line)
}

func (g guard) WithAttrs(attrs []slog.Attr) slog.Handler { return guard{g.Handler.WithAttrs(attrs)} }

func (g guard) WithGroup(name string) slog.Handler { return guard{g.Handler.WithGroup(name)} }
