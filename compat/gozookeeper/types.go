package zk

import (
	"fmt"

	"github.com/zookit/zookit/zk"
)

// DefaultPort is the port of a server that is named without one.
const DefaultPort = 2181

// The rights of an ACL.
const (
	PermRead = 1 << iota
	PermWrite
	PermCreate
	PermDelete
	PermAdmin
	PermAll = 0x1f
)

// The kinds of nodes that a create makes.
const (
	FlagPersistent                  = 0
	FlagEphemeral                   = 1
	FlagSequence                    = 2
	FlagEphemeralSequential         = 3
	FlagContainer                   = 4
	FlagTTL                         = 5
	FlagPersistentSequentialWithTTL = 6
)

var modes = map[int32]zk.CreateMode{
	FlagPersistent:                  zk.Persistent,
	FlagEphemeral:                   zk.Ephemeral,
	FlagSequence:                    zk.PersistentSequential,
	FlagEphemeralSequential:         zk.EphemeralSequential,
	FlagContainer:                   zk.Container,
	FlagTTL:                         zk.PersistentTTL,
	FlagPersistentSequentialWithTTL: zk.PersistentSequentialTTL,
}

// modeOf returns the mode of a flag.
func modeOf(flag int32) (zk.CreateMode, error) {
	m, ok := modes[flag]
	if !ok {
		return 0, fmt.Errorf("invalid flag value: [%d]", flag)
	}
	return m, nil
}

// ACL grants rights on a node to an identity of a scheme.
type ACL struct {
	Perms  int32
	Scheme string
	ID     string
}

// WorldACL grants rights to everybody.
func WorldACL(perms int32) []ACL { return fromACL(zk.WorldACL(zk.Perm(perms))) }

// AuthACL grants rights to every identity that the client has proved.
func AuthACL(perms int32) []ACL { return fromACL(zk.CreatorACL(zk.Perm(perms))) }

// DigestACL grants rights to a user with a password.
func DigestACL(perms int32, user, password string) []ACL {
	return fromACL(zk.DigestACL(zk.Perm(perms), user, password))
}

func fromACL(acl []zk.ACL) []ACL {
	out := make([]ACL, len(acl))
	for i, a := range acl {
		out[i] = ACL{int32(a.Perms), a.Scheme, a.ID}
	}
	return out
}

func toACL(acl []ACL) []zk.ACL {
	out := make([]zk.ACL, len(acl))
	for i, a := range acl {
		out[i] = zk.ACL{Perms: zk.Perm(a.Perms), Scheme: a.Scheme, ID: a.ID}
	}
	return out
}

// Stat describes a node.
type Stat struct {
	Czxid          int64 // zxid of the create
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // milliseconds since 1970
	Mtime          int64 // milliseconds since 1970
	Version        int32 // how often the data changed
	Cversion       int32 // how often the list of children changed
	Aversion       int32 // how often the ACL changed
	EphemeralOwner int64 // session id of an ephemeral node's owner
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
}

func fromStat(s zk.Stat) *Stat {
	out := Stat(s)
	return &out
}

// State is the state of a connection or of its session.
type State int32

// The states. A connection that is up reports StateConnected and then StateHasSession.
const (
	StateUnknown           State = -1
	StateDisconnected      State = 0
	StateConnecting        State = 1
	StateSyncConnected     State = 3
	StateAuthFailed        State = 4
	StateConnectedReadOnly State = 5
	StateSaslAuthenticated State = 6
	StateExpired           State = -112

	StateConnected  = State(100)
	StateHasSession = State(101)
)

var stateNames = map[State]string{
	StateUnknown:           "StateUnknown",
	StateDisconnected:      "StateDisconnected",
	StateConnecting:        "StateConnecting",
	StateSyncConnected:     "StateSyncConnected",
	StateAuthFailed:        "StateAuthFailed",
	StateConnectedReadOnly: "StateConnectedReadOnly",
	StateSaslAuthenticated: "StateSaslAuthenticated",
	StateExpired:           "StateExpired",
	StateConnected:         "StateConnected",
	StateHasSession:        "StateHasSession",
}

// String returns the name of the state, or "Unknown".
func (s State) String() string { return nameOf(stateNames, s) }

// EventType says what an event is about.
type EventType int32

// The types of events. EventNotWatching is the last event of a watch that ends without a
// change: its Err says why.
const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4

	EventSession     EventType = -1
	EventNotWatching EventType = -2
)

var eventNames = map[EventType]string{
	EventNodeCreated:         "EventNodeCreated",
	EventNodeDeleted:         "EventNodeDeleted",
	EventNodeDataChanged:     "EventNodeDataChanged",
	EventNodeChildrenChanged: "EventNodeChildrenChanged",
	EventSession:             "EventSession",
	EventNotWatching:         "EventNotWatching",
}

// String returns the name of the type, or "Unknown".
func (t EventType) String() string { return nameOf(eventNames, t) }

func nameOf[K comparable](names map[K]string, k K) string {
	if name, ok := names[k]; ok {
		return name
	}
	return "Unknown"
}

// Event is a change of a node, or of the state of the connection or session.
type Event struct {
	Type   EventType
	State  State
	Path   string // of the node
	Err    error  // why a watch has ended without a change
	Server string // of an event about the connection
}

// Mode is what a server does in its ensemble.
type Mode uint8

// The modes.
const (
	ModeUnknown Mode = iota
	ModeLeader
	ModeFollower
	ModeStandalone
)

var modeNames = map[Mode]string{ModeLeader: "leader", ModeFollower: "follower", ModeStandalone: "standalone"}

// String returns the mode in lower case, or "unknown".
func (m Mode) String() string {
	if name, ok := modeNames[m]; ok {
		return name
	}
	return "unknown"
}
