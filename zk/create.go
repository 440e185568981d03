package zk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// The three kinds of create differ in their codes alone. createModes says which mode
// needs which.
var (
	opCreate          = define(createOf(proto.OpCreate2))
	opCreateContainer = define(createOf(proto.OpCreateContainer))
	opCreateTTL       = define(createOf(proto.OpCreateTTL))
)

func createOf(code proto.OpCode) operation {
	return operation{code: code, lacking: Compat3_4, by: byQuorum, noNode: lacksParent, decode: decodeCreated}
}

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
}{
	Persistent:              {op: opCreate, flags: proto.FlagPersistent},
	Ephemeral:               {op: opCreate, flags: proto.FlagEphemeral},
	PersistentSequential:    {op: opCreate, flags: proto.FlagPersistentSequential, sequential: true},
	EphemeralSequential:     {op: opCreate, flags: proto.FlagEphemeralSequential, sequential: true},
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

// Created is the result of a create.
type Created struct {
	Path string // with the sequence suffix, without the chroot
	// Stat is that of the new node. At Compat3_4 and older it has no Ctime and no Mtime.
	Stat Stat

	// Sequence is the number in the suffix of a sequential node, and 0 of any other
	// node. It is larger than that of each node that was created before below the same
	// parent, as long as fewer than 2^31 were created there. Then it can be negative.
	Sequence int32
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

func optionsOf(opts []CreateOption) createConfig {
	if len(opts) == 0 {
		return createConfig{} // options need cfg on the heap: save the allocation
	}
	var cfg createConfig
	for _, o := range opts {
		o(&cfg)
	}
	return cfg
}

// check reports the faults of the options, without a look at the path.
func (c *createConfig) check() error {
	if c.bound && c.session == nil {
		return fmt.Errorf("%w: InSession(nil): Client.AwaitSession returns a session", ErrBadArguments)
	}
	return nil
}

// Create creates a node and returns its path, with the sequence suffix if the
// mode is sequential, and its Stat.
//
// The server refuses with ErrNodeExists, ErrNoNode (no parent),
// ErrNoChildrenForEphemerals, ErrNoAuth, ErrInvalidACL, ErrQuotaExceeded, and
// ErrUnimplemented (TTL nodes where they are disabled; every create before 3.5, unless
// Config.Compat names that level).
//
// If the reply is lost, the outcome is unknown, and so is the name of a sequential
// node. Package zk/protect resolves that.
func (c *Client) Create(ctx context.Context, path string, data []byte, mode CreateMode, opts ...CreateOption) (Created, error) {
	return run(ctx, c, c.calls.createCall(path, data, mode, optionsOf(opts)), takeCreated)
}

// Create is Client.Create.
func (p *Pipeline) Create(ctx context.Context, path string, data []byte, mode CreateMode, opts ...CreateOption) *Future[Created] {
	return enqueue(ctx, p, p.c.calls.createCall(path, data, mode, optionsOf(opts)), takeCreated)
}

// CreateOp creates a node, as Create does. It takes InSession.
func CreateOp(path string, data []byte, mode CreateMode, opts ...CreateOption) Op {
	cfg := optionsOf(opts)
	wire, err := createWire(path, bytes.Clone(data), mode, cfg)
	return Op{kind: OpCreate, path: path, session: cfg.session, wire: wire, err: err}
}

// createCall makes the call of a create.
func (cs *calls) createCall(path string, data []byte, mode CreateMode, cfg createConfig) *call {
	cs.made()
	wire, err := createWire(path, data, mode, cfg)
	if err == nil {
		err = cs.root.checkNameless(path)
	}
	cl := cs.writeCall(cs.creates(mode), path, wire, err)
	cl.want, cl.tied = cfg.session, cfg.bound
	return cl
}

// createWire checks a create and returns it for the wire, without its path.
func createWire(path string, data []byte, mode CreateMode, cfg createConfig) (proto.MultiOp, error) {
	if int(mode) >= len(createModes) {
		return proto.MultiOp{Op: opCreate.code}, fmt.Errorf("%w: mode %d", ErrBadArguments, mode)
	}
	m := createModes[mode]
	wire := proto.MultiOp{Op: m.op.code, Data: data, ACL: openACL, Flags: m.flags, TTL: cfg.ttl.Milliseconds()}
	err := ValidatePath(path)
	if err != nil && m.sequential {
		err = ValidatePath(path + "0") // "/dir/" is a fine prefix
	}
	var errs []error
	if err != nil {
		errs = append(errs, err)
	} else if path == "/" && !m.sequential {
		errs = append(errs, fmt.Errorf("%w \"/\": it always exists", ErrInvalidPath))
	}
	if err := cfg.check(); err != nil {
		errs = append(errs, err)
	}
	if cfg.acl != nil {
		acl, err := wireACL(cfg.acl)
		wire.ACL = acl
		errs = append(errs, err)
	}
	ttl := m.op == opCreateTTL
	switch {
	case ttl && (wire.TTL <= 0 || wire.TTL > 1<<40-1): // five bytes, as EphemeralType has them
		errs = append(errs, fmt.Errorf("%w: TTL %v: it must be from 1ms to about 34 years", ErrBadArguments, cfg.ttl))
	case !ttl && cfg.ttl != 0:
		errs = append(errs, fmt.Errorf("%w: TTL for a %v node: only a TTL mode has one", ErrBadArguments, mode))
	}
	return wire, errors.Join(errs...)
}

func decodeCreated(cl *call, r *proto.Reader) {
	cl.text = r.String()
	cl.stat.Decode(r)
}

func takeCreated(cl *call) Created {
	path := cl.from.root.strip(cl.text)
	return Created{Path: path, Stat: Stat(cl.stat), Sequence: sequenceBehind(cl.path, path)}
}
