package zk

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"strings"
	"sync/atomic"
)

// Logger gets the lines of the log.
type Logger interface {
	Printf(string, ...any)
}

// DefaultLogger writes to the standard logger of package log.
var DefaultLogger Logger = defaultLogger{}

type defaultLogger struct{}

func (defaultLogger) Printf(format string, a ...any) { log.Printf(format, a...) }

// logHandler passes the lines of zookit on to a Logger.
type logHandler struct {
	*logTarget
	prefix string // the attributes of the logger
}

type logTarget struct {
	to     atomic.Pointer[Logger]
	silent atomic.Bool // about what is no trouble
}

func newLogHandler() logHandler {
	h := logHandler{logTarget: &logTarget{}}
	h.to.Store(&DefaultLogger)
	return h
}

func (h logHandler) logger() *slog.Logger { return slog.New(h) }

func (h logHandler) printf(format string, a ...any) { (*h.to.Load()).Printf(format, a...) }

// Enabled implements slog.Handler.
func (h logHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l > slog.LevelInfo || l == slog.LevelInfo && !h.silent.Load()
}

// Handle implements slog.Handler: one line, "message key=value key=value".
func (h logHandler) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	b.WriteString(h.prefix)
	r.Attrs(func(a slog.Attr) bool {
		b.WriteString(attr(a))
		return true
	})
	h.printf("%s", b.String())
	return nil
}

func attr(a slog.Attr) string { return fmt.Sprintf(" %s=%v", a.Key, a.Value) }

// WithAttrs implements slog.Handler.
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		h.prefix += attr(a)
	}
	return h
}

// WithGroup implements slog.Handler. zookit's lines have no groups.
func (h logHandler) WithGroup(string) slog.Handler { return h }
