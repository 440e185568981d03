package tree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/settle"
)

// ErrEphemeral: the subtree has an ephemeral node, and CopyConfig.RefuseEphemerals is
// set.
var ErrEphemeral = errors.New("ephemeral node")

// ErrHiddenACL: the server does not show the whole ACL of a node. It hides the hash of
// a digest from a client without the right ADMIN. With the ACL as it is shown, nobody
// could use the copy.
var ErrHiddenACL = errors.New("the server hides a part of the ACL: read it with the right ADMIN, or set CopyConfig.ACL")

// Existing says what Copy does with a node that exists at the target.
type Existing uint8

// What to do with nodes that exist.
const (
	RefuseExisting  Existing = iota // fail with zk.ErrNodeExists
	KeepExisting                    // leave it as it is, and copy what is below it
	ReplaceExisting                 // set its data, and copy what is below it; its ACL stays
)

// CopyConfig says how Copy copies. The zero value copies data and ACLs, leaves out
// ephemeral nodes, and refuses nodes that exist.
type CopyConfig struct {
	Existing Existing
	// RefuseEphemerals makes an ephemeral node an error. Otherwise they are left out:
	// the copy would belong to the session of the copying client.
	RefuseEphemerals bool
	// ACL, if set, is that of all new nodes, and no ACL is read.
	ACL []zk.ACL
	// OnNode, if set, is called with the path of each node at the target that was created
	// or replaced, parents first. It runs on the goroutine of the caller, between the
	// requests.
	OnNode func(path string)
	// InFlight is how many reads, and how many writes, are on the way at a time. Their
	// data is in memory. Default 128, and zk.Config.MaxInFlight at the most.
	InFlight int
}

// Copied is what Copy has done.
type Copied struct {
	Nodes      int // created or replaced
	Kept       int // that existed, and were kept
	Ephemerals int // that were left out
}

// Copy copies the node at path and everything below it to the path target of the client
// to, which may be from or the client of another ensemble. The parent of target must
// exist. (See Ensure.)
//
// A copy has the data and the ACL. It is persistent: a server does not show whether a node
// is a container or has a TTL. It has versions, times and zxids of its own, and the
// numbers of sequential children begin anew. A digest or sasl ACL means the same user at the target only if
// that ensemble knows the user.
//
// It is no snapshot: each node is copied as it was when it was read. A node that is
// deleted meanwhile is left out. Nothing else at the target is deleted. If Copy fails,
// what was copied by then stays.
//
// If the reply to a create is lost, Copy creates the node again. If it exists then, Copy
// takes it for its own if it has the data of the original and was never changed.
//
// A target in the subtree at path is refused with zk.ErrBadArguments if both clients have
// one session. Copy cannot see it otherwise, and would copy its own copies.
func Copy(ctx context.Context, from *zk.Client, path string, to *zk.Client, target string, cfg CopyConfig) (Copied, error) {
	if err := checkCopy(from, path, to, target); err != nil {
		return Copied{}, unsent("copy tree", path, err)
	}
	w := &writer{flow: newFlow(ctx, to, "copy tree"), cfg: cfg, limit: inFlight(to, cfg.InFlight)}
	err := w.copyAll(Walk(ctx, from, path, WalkConfig{Data: true, InFlight: cfg.InFlight, acl: cfg.ACL == nil}), path, target)
	for len(w.sent) > 0 && (err == nil || ctx.Err() == nil) {
		if e := w.settle(err == nil); err == nil {
			err = e
		}
	}
	return w.done, w.doubt.Of(err)
}

// checkCopy checks the paths of a copy.
func checkCopy(from *zk.Client, path string, to *zk.Client, target string) error {
	if err := errors.Join(zk.ValidatePath(path), zk.ValidatePath(target)); err != nil {
		return err
	}
	if from.Session() == nil || from.Session() != to.Session() {
		return nil
	}
	source, dest := wholePath(from, path), wholePath(to, target)
	if dest == source || source == "/" || strings.HasPrefix(dest, source+"/") {
		return fmt.Errorf("%w: the target %s is in the subtree that is copied", zk.ErrBadArguments, target)
	}
	return nil
}

// wholePath returns a path with the chroot of its client.
func wholePath(c *zk.Client, path string) string {
	_, root, _ := strings.Cut(c.Config().Servers, "/")
	return "/" + strings.Trim(root+"/"+strings.Trim(path, "/"), "/")
}

// writer writes copies.
type writer struct {
	flow
	cfg   CopyConfig
	limit int
	done  Copied
	sent  []*write // parents first
}

// write is a node on its way to the target.
type write struct {
	path string
	data []byte
	acl  zk.CreateOption
	set  bool // it exists: set its data

	tried   bool // an earlier create may have run
	p       *zk.Pipeline
	created *zk.Future[zk.Created]
	changed *zk.Future[zk.Stat]
}

// copyAll sends a copy of each entry.
func (w *writer) copyAll(entries func(func(Entry, error) bool), from, to string) error {
	for e, err := range entries {
		if err != nil {
			return err
		}
		n := &write{path: below(to, from, e.Path), data: e.Data}
		if e.Stat.EphemeralOwner != 0 {
			if w.cfg.RefuseEphemerals {
				return &zk.OpError{Op: "copy tree", Path: e.Path, Outcome: zk.OutcomeRejected, Err: ErrEphemeral}
			}
			w.done.Ephemerals++
			continue
		}
		acl := w.cfg.ACL
		if acl == nil {
			acl = e.acl
			if hidden(acl) {
				return &zk.OpError{Op: "copy tree", Path: e.Path, Outcome: zk.OutcomeRejected, Err: ErrHiddenACL}
			}
		}
		n.acl = zk.WithACL(acl...)
		for len(w.sent) >= w.limit {
			if err := w.settle(true); err != nil {
				return err
			}
		}
		w.send(n)
	}
	return nil
}

// hidden reports whether the server has replaced the hash of a digest.
func hidden(acl []zk.ACL) bool {
	for _, a := range acl {
		if a.Scheme == "digest" && strings.HasSuffix(a.ID, ":x") {
			return true
		}
	}
	return false
}

func (w *writer) send(n *write) {
	n.p = w.p
	if n.set {
		n.changed = w.p.Set(w.ctx, n.path, n.data, zk.AnyVersion)
	} else {
		n.created = w.p.Create(w.ctx, n.path, n.data, zk.Persistent, n.acl)
	}
	w.sent = append(w.sent, n)
}

// result waits for the reply to the write of a node.
func (w *writer) result(n *write) (err error) {
	if n.set {
		_, err = n.changed.Wait(w.ctx)
	} else {
		_, err = n.created.Wait(w.ctx)
	}
	w.doubt.Note(err)
	return err
}

// settle waits for the reply to the oldest write. If more is false, nothing is sent.
func (w *writer) settle(more bool) error {
	n := w.sent[0]
	w.sent = w.sent[1:]
	err := w.result(n)
	switch {
	case err == nil:
		w.written(n)
	case errors.Is(err, zk.ErrNodeExists):
		return w.exists(n, err, more)
	case more && passes(w.ctx, err):
		return w.resend(n, err)
	default:
		return err
	}
	return nil
}

func (w *writer) written(n *write) {
	w.done.Nodes++
	if w.cfg.OnNode != nil {
		w.cfg.OnNode(n.path)
	}
}

// exists handles a node that exists at the target.
func (w *writer) exists(n *write, err error, more bool) error {
	if n.tried {
		there, readErr := settle.Synced(w.ctx, w.c, n.path, func(p *zk.Pipeline) *zk.Future[zk.Node] { return p.Get(w.ctx, n.path) })
		if readErr == nil && there.Stat.Version == 0 && bytes.Equal(there.Data, n.data) {
			w.written(n)
			return nil
		}
	}
	switch {
	case w.cfg.Existing == KeepExisting:
		w.done.Kept++
	case w.cfg.Existing == ReplaceExisting && more:
		n.set = true
		w.send(n)
	default:
		return err
	}
	return nil
}

// resend sends the oldest write again, which failed with err, and after it all others
// that failed because of that, in their order: children need their parents.
func (w *writer) resend(n *write, err error) error {
	again := []*write{n}
	n.tried = n.tried || zk.OutcomeOf(err) == zk.OutcomeUnknown
	rest := w.sent
	w.sent = nil
	for _, n := range rest {
		err := w.result(n)
		switch {
		case err == nil:
			w.written(n)
		case passes(w.ctx, err), errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrNodeExists):
			n.tried = n.tried || zk.OutcomeOf(err) == zk.OutcomeUnknown
			again = append(again, n)
		default:
			return err
		}
	}
	if end := w.again(n.p, err); end != nil {
		return joined(end, err)
	}
	for _, n := range again {
		w.send(n)
	}
	return nil
}
