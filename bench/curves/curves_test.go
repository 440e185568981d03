package main

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every curve can be measured with small n, and appears in the tables and in the
// picture.
func TestCurves(t *testing.T) {
	list, end := curves()
	defer end()
	measured, err := measure(t.Context(), list, effort{repeats: 1, largest: 10}, io.Discard)
	require.NoError(t, err)
	r := report{curves: list, before: measured, after: measured}
	cells, drawn := 0, 0
	for _, c := range list {
		require.Equal(t, 10, c.sizes[0], c.name)
		for _, f := range c.figures {
			v, ok := measured.at(c.name, f.name, 10)
			require.True(t, ok, "%s: %s", c.name, f.name)
			require.GreaterOrEqual(t, v, 0.0, "%s: %s", c.name, f.name)
			if f.drawn != tableOnly {
				drawn++
			}
		}
		cells += len(c.sizes) * len(c.figures)
	}
	var md, svg strings.Builder
	r.markdown(&md)
	require.Equal(t, len(list), strings.Count(md.String(), "\n## "))
	require.Equal(t, cells, strings.Count(md.String(), " → "))
	r.svg(&svg)
	require.Equal(t, 2*drawn, strings.Count(svg.String(), "<polyline"), "before and now")
	require.Equal(t, len(r.panels()), strings.Count(svg.String(), "<g "))
}

func TestReport_MarksWhatIsMissing(t *testing.T) {
	c := curve{name: "a", n: "things", figures: []figure{{"ms", ownPanel}}, sizes: []int{10, 1000}}
	r := report{
		curves: []curve{c},
		before: results{"a": {"ms": {10: 0.5}}},
		after:  results{"a": {"ms": {10: 12.34, 1000: 123456}}},
	}
	var md strings.Builder
	r.markdown(&md)
	require.Contains(t, md.String(), "| 10 | 0.50 → 12.3 |\n| 1,000 | – → 123,456 |\n")
	r.before = nil
	md.Reset()
	r.markdown(&md)
	require.Contains(t, md.String(), "| 10 | 12.3 |\n")
}

func TestPower(t *testing.T) {
	for e, want := range map[int]string{-1: "0.1", 0: "1", 2: "100", 3: "1k", 5: "100k", 6: "1M", 9: "1G"} {
		require.Equal(t, want, power(e))
	}
}
