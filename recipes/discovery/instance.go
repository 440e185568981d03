package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/zk"
)

// ServiceType says what kind of node an instance has.
type ServiceType string

// The types. Static and Permanent mean the same: Curator has both names.
const (
	Dynamic           ServiceType = "DYNAMIC"            // ephemeral: goes with its process; the default
	DynamicSequential ServiceType = "DYNAMIC_SEQUENTIAL" // ephemeral, its name made unique by the server
	Static            ServiceType = "STATIC"             // persistent: stays until it is unregistered
	Permanent         ServiceType = "PERMANENT"          // persistent: stays until it is unregistered
)

func (t ServiceType) persistent() bool { return t == Static || t == Permanent }

// Instance is one instance of a service. Its JSON is that of Curator's
// ServiceInstance, field by field. An instance that comes from a Cache is shared and
// must not be changed.
type Instance struct {
	Name    string // of the service
	ID      string // unique in the service; default when registering: a random UUID
	Address string // host name or IP; "" is null
	Port    *int   // nil is null
	SSLPort *int   // nil is null
	// Payload is any JSON that the service publishes about itself; nil is null. Java
	// readers need the class of an object in it: see NewPayload.
	Payload    json.RawMessage
	Registered time.Time // to the millisecond; default when registering: now
	Type       ServiceType
	URI        *URISpec // nil is null
	// Disabled is the opposite of Curator's "enabled", since the zero value is to be
	// the usual one. Providers do not choose a disabled instance.
	Disabled bool

	// Path and Stat are those of the node, in an instance that was read. Path is
	// unique. The ID is not: several DynamicSequential instances can share one.
	Path string
	Stat zk.Stat
}

// clone returns a copy that shares nothing with i.
func (i Instance) clone() Instance {
	i.Port, i.SSLPort = clonePointer(i.Port), clonePointer(i.SSLPort)
	i.Payload = bytes.Clone(i.Payload)
	if i.URI != nil {
		i.URI = &URISpec{Parts: slices.Clone(i.URI.Parts)}
	}
	return i
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// wireInstance is the JSON, in Jackson's order.
type wireInstance struct {
	Name        string          `json:"name"`
	ID          string          `json:"id"`
	Address     *string         `json:"address"`
	Port        *int            `json:"port"`
	SSLPort     *int            `json:"sslPort"`
	Payload     json.RawMessage `json:"payload"`
	Registered  int64           `json:"registrationTimeUTC"`
	ServiceType *ServiceType    `json:"serviceType"`
	URISpec     *URISpec        `json:"uriSpec"`
	Enabled     *bool           `json:"enabled,omitempty"`
}

// encode returns the JSON. "enabled" is written when it is false, or always.
func (i *Instance) encode(always bool) ([]byte, error) {
	w := wireInstance{
		Name: i.Name, ID: i.ID, Port: i.Port, SSLPort: i.SSLPort, Payload: i.Payload,
		ServiceType: new(i.Type), URISpec: i.URI,
	}
	if i.Address != "" {
		w.Address = &i.Address
	}
	if !i.Registered.IsZero() {
		w.Registered = i.Registered.UnixMilli()
	}
	if i.Type == "" {
		w.ServiceType = new(Dynamic)
	}
	if i.Disabled || always {
		w.Enabled = new(!i.Disabled)
	}
	return plain(w)
}

// plain is json.Marshal without the escaping for HTML, which Jackson does not do.
func plain(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// MarshalJSON writes what Curator reads. It writes "enabled" only when that is
// false, since older readers do not know the field.
func (i Instance) MarshalJSON() ([]byte, error) { return i.encode(false) }

// UnmarshalJSON reads what Curator writes, with or without "enabled". It ignores
// fields that it does not know. It fails without a name or an id.
func (i *Instance) UnmarshalJSON(data []byte) error {
	var w wireInstance
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	if w.Name == "" || w.ID == "" {
		return errors.New("no name or no id")
	}
	*i = Instance{
		Name: w.Name, ID: w.ID, Port: w.Port, SSLPort: w.SSLPort, URI: w.URISpec,
		Disabled: w.Enabled != nil && !*w.Enabled, Path: i.Path, Stat: i.Stat,
	}
	if w.Address != nil {
		i.Address = *w.Address
	}
	if w.ServiceType != nil {
		i.Type = *w.ServiceType
	}
	if w.Registered != 0 {
		i.Registered = time.UnixMilli(w.Registered)
	}
	if !bytes.Equal(w.Payload, []byte("null")) {
		i.Payload = w.Payload
	}
	return nil
}

// decode reads the node of an instance.
func decode(path string, data []byte, stat zk.Stat) (*Instance, error) {
	i := &Instance{Path: path, Stat: stat}
	if err := json.Unmarshal(data, i); err != nil {
		return nil, &DecodeError{Path: path, Size: len(data), Err: err}
	}
	return i, nil
}

// DecodeError reports a node whose data is not an instance.
type DecodeError struct {
	Path string
	Size int // of its data
	Err  error
}

// Error names the node and what is wrong with its data.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("discovery: %s: %d bytes that are no instance: %v", e.Path, e.Size, e.Err)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// InvalidError reports what is wrong with an instance that was to be registered.
type InvalidError struct {
	Field, Value string
	Err          error
}

// Error names the field and its value.
func (e *InvalidError) Error() string {
	return fmt.Sprintf("discovery: instance with %s %q: %v", e.Field, e.Value, e.Err)
}

// Unwrap returns Err.
func (e *InvalidError) Unwrap() error { return e.Err }

// validate returns an *InvalidError for each mistake in the instance, joined.
func (i *Instance) validate() error {
	var errs []error
	wrong := func(field, value string, err error) {
		errs = append(errs, &InvalidError{Field: field, Value: value, Err: err})
	}
	if err := validName(i.Name); err != nil {
		wrong("name", i.Name, err)
	}
	if err := validName(i.ID); err != nil {
		wrong("id", i.ID, err)
	}
	switch i.Type {
	case Dynamic, DynamicSequential, Static, Permanent:
	default:
		wrong("type", string(i.Type), errors.New("unknown"))
	}
	for _, p := range []struct {
		field string
		port  *int
	}{{"port", i.Port}, {"SSL port", i.SSLPort}} {
		if p.port != nil && (*p.port < 0 || *p.port > 65535) {
			wrong(p.field, fmt.Sprint(*p.port), errors.New("not in 0 to 65535"))
		}
	}
	if i.Payload != nil && !json.Valid(i.Payload) {
		wrong("payload", string(i.Payload[:min(len(i.Payload), 64)]), errors.New("not JSON"))
	}
	return oneline.Join(errs...)
}

// validName reports whether name can be that of a node.
func validName(name string) error {
	if name == "" || strings.Contains(name, "/") {
		return fmt.Errorf("%w: a name is not empty and has no /", zk.ErrInvalidPath)
	}
	return zk.ValidatePath("/" + name)
}
