package zkdebug

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"strings"

	"github.com/zookit/zookit/zk"
)

// Handler returns a handler that shows the state of clients, by the names that the
// program gives them. It answers GET and HEAD with a page of HTML. It answers with JSON,
// one object by name, if the query has format=json, or if the request accepts
// application/json and not text/html.
//
// A client may be shown before it is connected and after it is closed. Later changes of
// the map have no effect.
func Handler(clients map[string]*zk.Client) http.Handler {
	return handler{maps.Clone(clients)}
}

type handler struct{ clients map[string]*zk.Client }

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "zkdebug: use GET", http.StatusMethodNotAllowed)
		return
	}
	write, kind := writePage, "text/html; charset=utf-8"
	switch format := r.URL.Query().Get("format"); {
	case format == "json", format == "" && wantsJSON(r):
		write, kind = writeJSON, "application/json"
	case format != "" && format != "html":
		http.Error(w, "zkdebug: the query's format is neither json nor html", http.StatusBadRequest)
		return
	}
	views := map[string]view{}
	for name, c := range h.clients {
		views[name] = viewOf(c.Stats())
	}
	var b bytes.Buffer // so that an error is not written behind half a page
	if err := write(&b, views); err != nil {
		http.Error(w, "zkdebug: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b.Bytes()) // an error says that the reader has gone
}

// wantsJSON reports whether the request accepts JSON and no page.
func wantsJSON(r *http.Request) bool {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "text/html")
}

func writeJSON(b *bytes.Buffer, views map[string]view) error {
	e := json.NewEncoder(b)
	e.SetIndent("", "  ")
	return e.Encode(views)
}

//go:embed page.html
var pageText string

// page shows the clients in the order of their names, because a template visits a map
// in the order of its keys.
var page = template.Must(template.New("page").Parse(pageText))

func writePage(b *bytes.Buffer, views map[string]view) error { return page.Execute(b, views) }
