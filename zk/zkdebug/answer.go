package zkdebug

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

// answer writes v as JSON, or as a page, as the request asks for it.
func answer(w http.ResponseWriter, r *http.Request, v any, page *template.Template) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "zkdebug: use GET", http.StatusMethodNotAllowed)
		return
	}
	var b bytes.Buffer // so that an error is not written behind half a page
	var err error
	kind := "text/html; charset=utf-8"
	switch format := r.URL.Query().Get("format"); {
	case format == "json", format == "" && wantsJSON(r):
		kind = "application/json"
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		err = e.Encode(v)
	case format != "" && format != "html":
		http.Error(w, "zkdebug: the query's format is neither json nor html", http.StatusBadRequest)
		return
	default:
		err = page.Execute(&b, v)
	}
	if err != nil {
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
