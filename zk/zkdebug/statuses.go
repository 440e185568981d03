package zkdebug

import (
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
)

// Statuses returns a handler that shows states by the names that the program gives them:
// those of recipes, or anything else that prints as one line.
//
//	zkdebug.Statuses(map[string]func() any{
//		"invoices": func() any { return invoices.Status() }, // a *lock.Lock
//		"leader":   func() any { return scheduler.Status() }, // an *election.Election
//	})
//
// It asks each function at each request, and shows what fmt prints of the result. The
// functions must not wait: the Status of a recipe comes from memory. One that panics is
// shown with its panic. Several goroutines may call them at once.
//
// It answers as Handler does. The JSON is one object of texts by name. Later changes of
// the map have no effect.
func Statuses(of map[string]func() any) http.Handler { return statuses{maps.Clone(of)} }

type statuses struct{ of map[string]func() any }

func (h statuses) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	texts := map[string]string{}
	for name, status := range h.of {
		texts[name] = textOf(status)
	}
	answer(w, r, texts, statusesPage)
}

// textOf returns what a function returns, as a text.
func textOf(status func() any) (text string) {
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("panic: %v", p)
		}
	}()
	return fmt.Sprint(status())
}

//go:embed statuses.html
var statusesText string

var statusesPage = template.Must(template.New("statuses").Parse(statusesText))
