package zkdebug

import (
	_ "embed"
	"html/template"
	"maps"
	"net/http"

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
	views := map[string]view{}
	for name, c := range h.clients {
		views[name] = viewOf(c.Stats())
	}
	answer(w, r, views, page)
}

//go:embed page.html
var pageText string

// page shows the clients in the order of their names, because a template visits a map
// in the order of its keys.
var page = template.Must(template.New("page").Parse(pageText))
