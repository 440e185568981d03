package barrier_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zktest"
)

// lines is a log in memory.
type lines struct {
	mu  sync.Mutex // guards the fields below
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// take returns the lines since the last take.
func (l *lines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return strings.Split(strings.TrimSuffix(l.buf.String(), "\n"), "\n")
}

// logger returns a Logger, and what it has written but for times, nodes and rounds.
func logger() (*slog.Logger, *lines) {
	out := &lines{}
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case slog.TimeKey, "node", "token", "session":
				return slog.Attr{}
			}
			return a
		},
	})), out
}

// The logs of a gate and of a double barrier show the calls that wait, and how they end.
func TestBarrier_LogsWhatHappens(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		log, out := logger()
		c := connect(t, srv)
		gate := barrier.New(c, "/b", barrier.Config{Logger: log})
		require.NoError(t, gate.Raise(t.Context()))
		open := make(chan error)
		go func() { open <- gate.Wait(t.Context()) }()
		time.Sleep(4 * time.Second)
		require.NoError(t, barrier.New(c, "/b", barrier.Config{}).Lower(t.Context()))
		require.NoError(t, <-open)
		require.NoError(t, gate.Lower(t.Context()))
		require.Equal(t, []string{
			`level=DEBUG msg="barrier: raised" dir=/b`,
			`level=INFO msg="barrier: waiting" dir=/b`,
			`level=DEBUG msg="barrier: open" dir=/b`,
			`level=DEBUG msg="barrier: lowered" dir=/b`,
		}, out.take())

		d := barrier.NewDouble(c, "/b", 2, barrier.DoubleConfig{Logger: log})
		first := enter(t.Context(), d)
		time.Sleep(4 * time.Second)
		other := enter(t.Context(), barrier.NewDouble(connect(t, srv), "/b", 2, barrier.DoubleConfig{})).in(t)
		e := first.in(t)
		require.Equal(t, []string{
			`level=INFO msg="barrier: waiting" dir=/b parties=2`,
			`level=INFO msg="barrier: entered" dir=/b waited=4s`,
		}, out.take())
		leaveAll(t, e, other)
		require.Equal(t, []string{`level=DEBUG msg="barrier: left" dir=/b held=0s`}, out.take())

		e = enter(t.Context(), barrier.NewDouble(c, "/b", 1, barrier.DoubleConfig{Logger: log})).in(t)
		time.Sleep(time.Second)
		out.take()
		require.NoError(t, srv.Delete(e.Path()))
		<-e.Context().Done()
		require.ErrorIs(t, e.Leave(t.Context()), barrier.ErrLost)
		require.Equal(t, []string{`level=WARN msg="barrier: lost" dir=/b held=1s why="own node was deleted"`}, out.take())
		require.NoError(t, srv.Delete("/b/ready")) // otherwise the next round does it
	})
}
