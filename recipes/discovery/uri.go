package discovery

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/oneline"
)

// URISpec is a URI with variables in it, such as "{scheme}://{address}:{port}".
// In an instance's JSON it is a list of its parts.
type URISpec struct {
	Parts []URIPart
}

// URIPart is text, or the name of a variable.
type URIPart struct {
	Value    string `json:"value"`
	Variable bool   `json:"variable"`
}

// ParseURISpec parses a spec with its variables in braces. {[} and {]} stand for the
// braces themselves. Spaces around a name are ignored.
func ParseURISpec(spec string) (*URISpec, error) {
	u := &URISpec{}
	add := func(value string, variable bool) {
		if value != "" {
			u.Parts = append(u.Parts, URIPart{value, variable})
		}
	}
	for rest := spec; rest != ""; {
		text, after, open := strings.Cut(rest, "{")
		if strings.Contains(text, "}") {
			return nil, fmt.Errorf("discovery: URI spec %q: } without {", spec)
		}
		add(text, false)
		if !open {
			break
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed || strings.Contains(name, "{") {
			return nil, fmt.Errorf("discovery: URI spec %q: { without }", spec)
		}
		add(strings.TrimSpace(name), true)
		rest = after
	}
	return u, nil
}

// String returns the spec as ParseURISpec reads it.
func (u *URISpec) String() string {
	var b strings.Builder
	for _, p := range u.Parts {
		if p.Variable {
			b.WriteString("{" + p.Value + "}")
		} else {
			b.WriteString(p.Value)
		}
	}
	return b.String()
}

// Build returns the URI with the values of the variables. A variable that vars does
// not have gets its value from i: scheme (https if there is an SSL port, else http),
// name, id, address, port, ssl-port, registration-time-utc (milliseconds since 1970),
// service-type (in lower case). An unknown variable is left out, as in Curator. i may
// be nil.
func (u *URISpec) Build(i *Instance, vars map[string]string) string {
	var b strings.Builder
	for _, p := range u.Parts {
		if !p.Variable {
			b.WriteString(p.Value)
		} else if v, ok := vars[p.Value]; ok {
			b.WriteString(v)
		} else {
			b.WriteString(i.variable(p.Value))
		}
	}
	return b.String()
}

// BuildURI builds the instance's own URI; "" if it has no spec.
func (i *Instance) BuildURI(vars map[string]string) string {
	if i.URI == nil {
		return ""
	}
	return i.URI.Build(i, vars)
}

// variable returns the value of a variable for i, which may be nil.
func (i *Instance) variable(name string) string {
	switch {
	case name == "[":
		return "{"
	case name == "]":
		return "}"
	case name == "scheme" && (i == nil || i.SSLPort == nil):
		return "http"
	case i == nil:
		return ""
	}
	port := func(p *int) string {
		if p == nil {
			return ""
		}
		return strconv.Itoa(*p)
	}
	switch name {
	case "scheme":
		return "https"
	case "name":
		return i.Name
	case "id":
		return i.ID
	case "address":
		return i.Address
	case "port":
		return port(i.Port)
	case "ssl-port":
		return port(i.SSLPort)
	case "registration-time-utc":
		if i.Registered.IsZero() {
			return "0"
		}
		return strconv.FormatInt(i.Registered.UnixMilli(), 10)
	case "service-type":
		return strings.ToLower(string(i.Type))
	}
	return ""
}

// MarshalJSON writes the parts. Without parts it writes an empty list.
func (u URISpec) MarshalJSON() ([]byte, error) {
	parts := u.Parts
	if parts == nil {
		parts = []URIPart{}
	}
	return plain(map[string]any{"parts": parts})
}

// UnmarshalJSON reads the parts.
func (u *URISpec) UnmarshalJSON(data []byte) error {
	var w struct {
		Parts []URIPart `json:"parts"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return oneline.Join(errors.New("uriSpec"), err)
	}
	u.Parts = w.Parts
	return nil
}
