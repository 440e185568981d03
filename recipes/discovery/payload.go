package discovery

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// NewPayload encodes v as a payload that Java readers decode into an object of
// class. v's JSON must be an object. NewPayload puts "@class" before its fields.
func NewPayload(class string, v any) (json.RawMessage, error) {
	object, err := plain(v)
	if err != nil {
		return nil, fmt.Errorf("discovery: payload: %w", err)
	}
	name, err := plain(class)
	if err != nil {
		return nil, fmt.Errorf("discovery: payload class: %w", err)
	}
	fields, ok := bytes.CutPrefix(object, []byte("{"))
	if !ok {
		return nil, fmt.Errorf("discovery: payload of class %q: %w", class, errNoObject)
	}
	out := append([]byte(`{"@class":`), name...)
	if !bytes.HasPrefix(fields, []byte("}")) {
		out = append(out, ',')
	}
	return append(out, fields...), nil
}

var errNoObject = errors.New("not a JSON object")

// PayloadClass returns the "@class" of the payload, "" if there is none.
func (i *Instance) PayloadClass() string {
	var p struct {
		Class string `json:"@class"`
	}
	_ = json.Unmarshal(i.Payload, &p) // a payload that is not an object has no class
	return p.Class
}

// DecodePayload decodes the payload into v, as json.Unmarshal does. A null
// payload leaves v as it is.
func (i *Instance) DecodePayload(v any) error {
	if i.Payload == nil {
		return nil
	}
	if err := json.Unmarshal(i.Payload, v); err != nil {
		return fmt.Errorf("discovery: payload of %s/%s: %w", i.Name, i.ID, err)
	}
	return nil
}
