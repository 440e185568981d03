package zk

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A chroot can vanish while the client runs: a program deletes it, or it was a
// container and the server has reaped it. Servers answer NoNode then, as for any
// missing node, and a caller that creates what is missing would do so for ever.
// So the client reports ErrNoChroot instead. Where NoNode can mean nothing else,
// it does so at once. Elsewhere it reads the chroot first. Only a call that found
// nothing pays for that read.

// isAbsent reports whether a call found that its node does not exist, or the parent
// of the node that it was to create.
func (cl *call) isAbsent() bool {
	return cl.absent || cl.err != nil && errors.Is(cl.err, ErrNoNode)
}

// meansNoChroot reports whether the answer to an absent call can only mean that
// the chroot is missing: the call was about the chroot itself, or created a node
// right below it.
func (cl *call) meansNoChroot() bool {
	switch cl.op.noNode {
	case lacksAny:
		return false
	case lacksParent:
		return Parent(cl.path) == "/"
	}
	return cl.path == "/"
}

// findChroot is called with a synchronous call that is absent. It returns the
// call's error, which is ErrNoChroot where the chroot is missing.
func (r runner) findChroot(ctx context.Context, cl *call) error {
	if errors.Is(cl.err, ErrNoChroot) {
		return cl.failure()
	}
	if !cl.meansNoChroot() {
		look := cl.from.readCall(opExists, "/", false)
		look.await()
		look.seen = r.c.hooks.observeOwn(ctx, look)
		alive, err := r.repeat(ctx, look)
		missing := alive && err == nil && look.absent
		if alive {
			look.free()
		}
		if !missing {
			return cl.failure()
		}
	}
	if cl.watch != nil {
		cl.watch.Stop()
		cl.watch = nil
	}
	cl.from.root.blame(cl)
	return cl.failure()
}

// blame makes ErrNoChroot the error of a call. It stays a NoNode too.
func (r chroot) blame(cl *call) {
	cause := cl.err
	if cause == nil {
		cause = ErrNoNode
	}
	cl.err = fmt.Errorf("%w: %s: %w", ErrNoChroot, r.hinted(), cause)
	cl.outcome = OutcomeRejected
}

// hinted returns the chroot, and a hint behind it if the user may have put it behind each
// server: "h1/app,h2/app" has the chroot "/app,h2/app".
func (r chroot) hinted() string {
	if !strings.Contains(string(r), ",") {
		return string(r)
	}
	return string(r) + " (a connect string has its chroot once, behind the last server: h1,h2/chroot)"
}
