package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse_Reports(t *testing.T) {
	at := time.Unix(0, 1000)
	for line, want := range map[string]event{
		"@ 1000 ready":                         {who: "A", at: at, kind: "ready"},
		"@ 1000 ok 7":                          {who: "A", at: at, kind: "ok", number: 7},
		"@ 1000 error 7 zk: connection closed": {who: "A", at: at, kind: "error", number: 7, text: "zk: connection closed"},
		"@ 1000 holds 2":                       {who: "A", at: at, kind: "holds", number: 2},
		"@ 1000 told 2 the channel":            {who: "A", at: at, kind: "told", number: 2, teller: "the channel"},
		"@ 1000 work 2 the channel 3000 4000": {
			who: "A", at: at, kind: "work", number: 2, teller: "the channel", from: time.Unix(0, 3000), to: time.Unix(0, 4000),
		},
	} {
		e, ok := parse("A", line)
		require.True(t, ok, line)
		require.Equal(t, want, e)
	}
	for _, line := range []string{"", "2026/01/01 connected", "@ 1000", "@ 1000 work 2 3000"} {
		_, ok := parse("A", line)
		require.False(t, ok, line)
	}
}
