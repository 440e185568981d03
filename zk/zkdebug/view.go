package zkdebug

import (
	"fmt"
	"time"

	"github.com/zookit/zookit/zk"
)

// view is zk.Stats in the form in which it is shown.
type view struct {
	Servers        string         `json:"servers"`
	State          string         `json:"state"`
	InState        seconds        `json:"in_state_seconds"`
	Why            string         `json:"why,omitempty"`
	Server         string         `json:"server,omitempty"`
	ConnAge        seconds        `json:"connection_age_seconds"`
	Session        *session       `json:"session"` // null before the first
	InFlight       int            `json:"in_flight"`
	Queued         int            `json:"queued"`
	WaitingForRoom int            `json:"waiting_for_room"`
	MaxInFlight    int            `json:"max_in_flight"`
	Watches        watches        `json:"watches"`
	Subscriptions  []subscription `json:"subscriptions"`
	Sessions       uint64         `json:"sessions_total"`
	Reconnects     uint64         `json:"reconnects_total"`
	Expiries       uint64         `json:"expiries_total"`
	Unconfirmed    int            `json:"unconfirmed_sessions"`
	Companions     []companion    `json:"companions"`
}

type session struct {
	ID        string  `json:"id"`
	Age       seconds `json:"age_seconds"`
	Timeout   seconds `json:"timeout_seconds"`
	ReadOnly  bool    `json:"read_only"`
	Over      bool    `json:"over"`
	ExpiresIn seconds `json:"expires_in_seconds"`
	LeaseLeft seconds `json:"lease_left_seconds"`
	Guards    int     `json:"guards"`
}

type watches struct {
	Data     int `json:"data"`
	Absent   int `json:"absent"`
	Children int `json:"children"`
}

type subscription struct {
	Path      string `json:"path"`
	Recursive bool   `json:"recursive"`
	Waiting   int    `json:"waiting"`
	Buffer    int    `json:"buffer"`
	Resyncs   uint64 `json:"resyncs_total"`
}

type companion struct {
	Name   string         `json:"name"`
	Counts map[string]int `json:"counts"`
}

// seconds is a duration: a number of seconds in JSON, to a millisecond.
type seconds time.Duration

// MarshalJSON is json.Marshaler's.
func (s seconds) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", time.Duration(s).Seconds()), nil
}

// String is how the page shows a duration.
func (s seconds) String() string { return time.Duration(s).Round(time.Millisecond).String() }

// viewOf returns the form in which the stats of a client are shown.
func viewOf(s zk.Stats) view {
	v := view{
		Servers: s.Servers, State: s.State.String(), InState: seconds(s.InState),
		Server: s.Server, ConnAge: seconds(s.ConnAge), Session: sessionOf(s),
		InFlight: s.InFlight, Queued: s.Queued, WaitingForRoom: s.WaitingForRoom, MaxInFlight: s.MaxInFlight,
		Watches: watches(s.Watches), Subscriptions: []subscription{},
		Sessions: s.Sessions, Reconnects: s.Reconnects, Expiries: s.Expiries, Unconfirmed: s.Unconfirmed,
		Companions: []companion{},
	}
	if s.Why != nil {
		v.Why = s.Why.Error()
	}
	for _, one := range s.Subscriptions {
		v.Subscriptions = append(v.Subscriptions, subscription(one))
	}
	for _, one := range s.Companions {
		v.Companions = append(v.Companions, companion(one))
	}
	return v
}

// sessionOf returns the session of a client, nil before the first.
func sessionOf(s zk.Stats) *session {
	if s.Sessions == 0 {
		return nil
	}
	one := s.Session
	return &session{
		ID: fmt.Sprintf("0x%x", uint64(one.ID)), Age: seconds(one.Age), Timeout: seconds(one.Timeout),
		ReadOnly: one.ReadOnly, Over: one.Over,
		ExpiresIn: seconds(one.ExpiresIn), LeaseLeft: seconds(one.LeaseLeft), Guards: one.Guards,
	}
}
