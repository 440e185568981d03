package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		exitOn(runWorker(task))
		return
	}
	os.Exit(m.Run())
}

// The servers and the workers of a story start on real servers. The log has who holds
// the lock and leads, and no address; the metrics draw a picture; all end in order.
func TestPlay_RecordsLogAndMetrics(t *testing.T) {
	i := incident{
		name: "calm", title: "Nothing happens", panels: []panel{roundTrip, leaseLeft, guards, callsFailed, up}, secured: true,
		play: func(ctx context.Context, c *cast) error {
			c.record.mark("nothing happens")
			return pause(ctx, time.Second)
		},
	}
	r, err := play(t.Context(), i)
	require.NoError(t, err)
	text := r.text()
	for _, line := range []string{
		"orders-a level=INFO msg=\"election: leads\" dir=" + electionDir,
		"orders-b level=INFO msg=\"lock: waiting\" dir=" + lockDir, "data=orders-a", "orders-c level=INFO msg=\"zk: connected\" server=zk",
		" -------- nothing happens\n",
	} {
		require.Contains(t, text, line)
	}
	require.NotContains(t, text, "127.0.0.1")
	require.NotContains(t, text, "time=")
	v, ok := r.newest(workers[0], "zookit_guards")
	require.True(t, ok)
	require.EqualValues(t, 3, v)
	picture := drawn(i, r)
	wellFormed(t, picture)
	require.GreaterOrEqual(t, bytes.Count(picture, []byte("<polyline")), len(workers)*len(i.panels))
}

func wellFormed(t *testing.T, picture []byte) {
	t.Helper()
	for d := xml.NewDecoder(bytes.NewReader(picture)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
	}
}

// Only the text between the marks of an incident changes.
func TestReplaced_LeavesTheProse(t *testing.T) {
	page := "before\n<!-- make story writes a from here -->\nold\n<!-- to here: a -->\nafter\n"
	changed, err := replaced([]byte(page), "a", "new\n")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(page, "old", "new", 1), string(changed))
	_, err = replaced([]byte(page), "b", "")
	require.ErrorContains(t, err, "from here")
}

// A worker that does not answer, and one that was replaced, leaves a gap in its curve.
func TestDrawn_HasGaps(t *testing.T) {
	r := newRecord()
	r.mark("begin & end")
	for n, values := range []map[string]float64{{"g": 1}, {"g": 2}, nil, {"g": 2}} {
		r.sample(workers[0], r.began.Add(time.Duration(n)*every), values, true)
	}
	r.sample(workers[0], r.began.Add(time.Minute), map[string]float64{"g": 2}, true)
	picture := drawn(incident{title: "a < b", panels: []panel{gauge("g")}}, r)
	wellFormed(t, picture)
	require.Equal(t, 3, bytes.Count(picture, []byte("<polyline")))
}

// Metrics are read as Prometheus serves them.
func TestParsed(t *testing.T) {
	values, err := parsed(strings.NewReader("# HELP a b\na 1\nb{x=\"y z\"} 2.5\nc NaN\n"))
	require.NoError(t, err)
	require.Len(t, values, 3)
	require.InDelta(t, 1, values["a"], 0)
	require.InDelta(t, 2.5, values[`b{x="y z"}`], 0)
	_, err = parsed(strings.NewReader("a b\n"))
	require.Error(t, err)
}

// A scale ends at a round number.
func TestCeiling(t *testing.T) {
	for v, want := range map[float64]float64{0.7: 1, 1: 1, 1.2: 2, 3: 5, 6: 10, 35: 50, 0.012: 0.02} {
		require.InDelta(t, want, ceiling(v), 1e-9)
	}
}
