package zkhealth

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/oneline"
)

// Handler returns a handler for a probe. It answers with 200 if every check is nil, and
// with 503 otherwise. The body has a line for each check, in the order of their names:
// "name: ok", or the name and the error. Errors name servers and paths, but contain no
// credential.
func Handler(checks map[string]Check) http.Handler { return handler{maps.Clone(checks)} }

type handler struct{ checks map[string]Check }

func (h handler) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	code := http.StatusOK
	var body strings.Builder
	for _, name := range slices.Sorted(maps.Keys(h.checks)) {
		said := "ok"
		if err := h.checks[name](); err != nil {
			code = http.StatusServiceUnavailable
			said = oneline.Text(err)
		}
		fmt.Fprintf(&body, "%s: %s\n", name, said)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body.String())) // an error says that the prober has gone
}
