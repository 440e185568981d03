package zk

import (
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// Version is the expected version of a node's data (Set, Delete, Check) or of
// its ACL (SetACL).
type Version int32

// AnyVersion matches every version.
const AnyVersion Version = -1

// CreateMode says what kind of node a create makes.
type CreateMode uint8

// The modes of a node. A sequential node gets a suffix of ten digits that its
// parent counts. A container is deleted by the server some time after its last
// child went; a TTL node when it has been childless and unchanged for its TTL,
// which is given by the TTL option (the server must have TTL nodes enabled).
const (
	Persistent CreateMode = iota
	Ephemeral
	PersistentSequential
	EphemeralSequential
	Container
	PersistentTTL
	PersistentSequentialTTL
)

var createModes = [...]struct {
	op         *operation
	flags      int32
	sequential bool
	ephemeral  bool
}{
	Persistent:              {op: opCreate, flags: proto.FlagPersistent},
	Ephemeral:               {op: opCreate, flags: proto.FlagEphemeral, ephemeral: true},
	PersistentSequential:    {op: opCreate, flags: proto.FlagPersistentSequential, sequential: true},
	EphemeralSequential:     {op: opCreate, flags: proto.FlagEphemeralSequential, sequential: true, ephemeral: true},
	Container:               {op: opCreateContainer, flags: proto.FlagContainer},
	PersistentTTL:           {op: opCreateTTL, flags: proto.FlagPersistentTTL},
	PersistentSequentialTTL: {op: opCreateTTL, flags: proto.FlagPersistentSequentialTTL, sequential: true},
}

// operation returns the operation that creates a node of the mode. An unknown mode
// is refused, as a create.
func (m CreateMode) operation() *operation {
	if int(m) < len(createModes) {
		return createModes[m].op
	}
	return opCreate
}

// String returns the mode's name.
func (m CreateMode) String() string {
	return nameOf(m, "persistent", "ephemeral", "persistent sequential", "ephemeral sequential",
		"container", "persistent with TTL", "persistent sequential with TTL")
}

// Stat describes a node.
type Stat struct {
	Czxid          int64 // zxid of the create: unique and rising within one ensemble's data
	Mzxid          int64 // zxid of the last change of the data
	Ctime          int64 // milliseconds since 1970, by the server's clock
	Mtime          int64 // milliseconds since 1970, by the server's clock
	Version        int32 // how often the data changed
	Cversion       int32 // how often the list of children changed
	Aversion       int32 // how often the ACL changed
	EphemeralOwner int64 // session id of an ephemeral node's owner; 0 for a persistent node
	DataLength     int32
	NumChildren    int32
	Pzxid          int64 // zxid of the last change of the list of children
}

// CreateOption changes how Create makes a node.
type CreateOption func(*createConfig)

type createConfig struct {
	acl     []ACL
	ttl     time.Duration
	session *Session
	bound   bool // the caller chose session
}

// WithACL sets the ACL of the new node. Without it, every client has all rights.
// An empty one is refused with ErrInvalidACL.
func WithACL(acl ...ACL) CreateOption {
	return func(c *createConfig) { c.acl = append([]ACL{}, acl...) } // never nil
}

// TTL sets how long a TTL node lives without children or changes. It is sent
// in whole milliseconds.
func TTL(d time.Duration) CreateOption { return func(c *createConfig) { c.ttl = d } }

// InSession makes the create run in session s or not at all. If s is over, the
// create fails with ErrSessionExpired (OutcomeNotSent). So a node that depends on s
// is never created in a later session. SafeToRetry reports false for that error.
// A nil s is refused with ErrBadArguments.
func InSession(s *Session) CreateOption {
	return func(c *createConfig) { c.session, c.bound = s, true }
}

// BoundSession returns the session to which InSession in opts binds a create. It
// reports false if no option does. It is for code that makes creates for others.
func BoundSession(opts ...CreateOption) (s *Session, bound bool) {
	cfg := optionsOf(opts)
	return cfg.session, cfg.bound
}

// check reports the faults of the options, without a look at the path.
func (c *createConfig) check() error {
	if c.bound && c.session == nil {
		return fmt.Errorf("%w: InSession of no session: Client.AwaitSession waits for one", ErrBadArguments)
	}
	return nil
}
