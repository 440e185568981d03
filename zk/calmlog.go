package zk

import (
	"context"
	"log/slog"
)

// calmLog returns a logger with the handler of l. A panic of that handler loses the line,
// and goes no further: most lines are logged on goroutines of the client, where a panic
// would end the program or a connection.
func calmLog(l *slog.Logger) *slog.Logger {
	if _, is := l.Handler().(calmHandler); is {
		return l // from the Config of another client
	}
	return slog.New(calmHandler{l.Handler()})
}

// calmHandler is a log handler that swallows the panics of another.
type calmHandler struct{ slog.Handler }

func (h calmHandler) Enabled(ctx context.Context, level slog.Level) (takes bool) {
	defer func() { _ = recover() }()
	return h.Handler.Enabled(ctx, level)
}

func (h calmHandler) Handle(ctx context.Context, line slog.Record) (err error) {
	defer func() { _ = recover() }()
	return h.Handler.Handle(ctx, line)
}

func (h calmHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return calmHandler{h.Handler.WithAttrs(attrs)}
}

func (h calmHandler) WithGroup(name string) slog.Handler {
	return calmHandler{h.Handler.WithGroup(name)}
}
