package zk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Detach closes the client without closing its session, so that another client can go on
// with the session: in this process or, by DetachedSession.Marshal, in another one. The
// ephemeral nodes of the session stay. Config.Resume takes the session over.
//
//  1. Companions end what they have begun: the janitor of package zk/protect deletes the
//     abandoned nodes. Then Detach creates an ephemeral node, which the next client
//     claims. It is at "/zookit-detached-…", right below the chroot, until the next
//     client has claimed it: the client needs CREATE there, and a recipe whose directory
//     is the chroot itself sees it. If a step fails, or ctx ends, Detach returns the
//     error, and the client is as before.
//  2. Guards end with ErrDetached. New calls fail with it, and so do those that were not
//     yet sent.
//  3. What was sent is still answered. What is not answered when ctx ends or the
//     connection is lost has OutcomeUnknown.
//  4. The connection is closed; watches, subscriptions and the session's context end;
//     companions end.
//
// While there is no connection, Detach waits for one in the first step. From the second
// step on it needs none. It returns an error that wraps ErrSessionExpired if the session
// turns out to be over, and ErrClosed or ErrDetached if Close or another Detach came
// before. After Detach, Close returns at once and closes nothing on the server.
//
// The session lives for its timeout after the last request that a server has seen. Nodes
// that nobody takes over stay as long as the session does. So end first what is not to
// go on: cancel the calls that wait for a lock, and release what the next process does
// not resume. Detach what it does resume: the holds of the recipes have a method Detach.
//
// Detach of a sub-client (At) is refused with ErrBadArguments.
//
// With a node that a companion could not delete, Detach returns the session, and an
// error that names the node and wraps ErrUnconfirmed.
func (c *Client) Detach(ctx context.Context) (*DetachedSession, error) {
	if c.isSub() {
		return nil, detachError(nil, fmt.Errorf("%w: a sub-client shares its session: detach the client that Connect has returned", ErrBadArguments))
	}
	if ctx == nil {
		return nil, detachError(nil, errNilContext)
	}
	s, claim, err := c.prepareDetach(ctx)
	if err == nil {
		err = c.core.BeginDetach(s)
	}
	if err != nil {
		return nil, detachError(s, err)
	}
	c.companions.closing() // not before: BeginDetach may fail, and then the client goes on
	c.loop.hurry()
	if err := c.loop.join(ctx); err != nil {
		return nil, detachError(s, err)
	}
	d, err := c.core.Detached(s, claim)
	if err != nil {
		return nil, detachError(s, err)
	}
	return d, c.loop.closeErr
}

// prepareDetach does what may fail before the client changes. It returns the session and
// the path of the node that the next client claims.
func (c *Client) prepareDetach(ctx context.Context) (s *Session, claim string, err error) {
	if s, err = c.AwaitSession(ctx); err != nil {
		return nil, "", err
	}
	if err := c.companions.drain(ctx); err != nil {
		return s, "", err
	}
	claim = "/zookit-detached-" + newClaimMark()
	return s, claim, c.leaveClaim(ctx, s, claim)
}

// leaveClaim creates the node of the claim. It repeats a create without a known outcome
// until ctx ends.
func (c *Client) leaveClaim(ctx context.Context, s *Session, path string) error {
	pause := c.Pauses(ctx)
	for {
		_, err := c.Create(ctx, path, nil, Ephemeral, InSession(s))
		switch {
		case errors.Is(err, ErrNodeExists): // by an earlier try: nobody else knows the name
			return nil
		case err == nil, OutcomeOf(err) != OutcomeUnknown, errors.Is(err, ErrClosed), pause() != nil:
			return err
		}
	}
}

// detachError is an error of Detach with which the session was not detached.
func detachError(s *Session, err error) error {
	path := ""
	outcome := OutcomeNotSent
	if s != nil {
		path, outcome = "session "+s.label(), OutcomeOf(err)
	}
	return &OpError{Op: "detach", Path: path, Outcome: outcome, Err: err}
}

// newClaimMark returns text that nobody else has.
func newClaimMark() string {
	b := make([]byte, 16)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// Detached returns a session for another client. The session loop has ended.
func (c *core) Detached(s *Session, claim string) (*DetachedSession, error) {
	c.Lock()
	defer c.Unlock()
	if !s.kept || s.givenUp {
		return nil, context.Cause(s.ctx)
	}
	d := newDetachedSession(detachedForm{
		Version: detachedVersion, ID: s.id, Password: s.passwd(), Chroot: string(c.root), Claim: claim, trail: c.trail(s),
	})
	return d, nil
}

// trail returns what the next client of s must know. c is locked.
func (c *core) trail(s *Session) trail {
	return trail{Timeout: s.least.Milliseconds(), Zxid: c.zxid, Xid: c.xid, Doubtful: s.doubtful || len(s.open) > 0}
}

// Trail is trail of the session that a failed Connect was to resume. The session loop has
// ended, unless stuck is set: then an attempt at a server may not have ended.
func (c *core) Trail(stuck bool) trail {
	c.Lock()
	defer c.Unlock()
	s := c.session
	t := c.trail(s)
	if stuck {
		t.Doubtful, t.Timeout = true, min(t.Timeout, s.timing.timeout.Milliseconds())
	}
	return t
}

// resume is what Connect does with a client whose session is d. The client belongs to no
// one yet, and its end leaves the session as it is.
//
// A server cannot tell who resumes a session. Two clients that have its password would
// take it from each other, and one would delete what the other holds. So a client first
// claims the session: it writes its mark into the node that Detach has left. Of several
// clients only one succeeds.
func (c *Client) resume(ctx context.Context, d *DetachedSession) error {
	s := c.core.Newest()
	outcome, err := c.claim(ctx, d)
	if err == nil && !c.core.Claimed(s) {
		err = ErrSessionExpired
	}
	if err == nil {
		if err := c.Delete(ctx, d.form.Claim, AnyVersion); err != nil {
			c.core.log.Debug("zk: the node of the claim stays until the session ends", "node", d.form.Claim, why(err))
		}
		return nil
	}
	if errors.Is(context.Cause(s.Context()), ErrSessionExpired) {
		outcome = OutcomeRejected
		err = fmt.Errorf("%w, or the password is wrong, or the session is one of another ensemble", ErrSessionExpired)
	}
	return &OpError{Op: "resume", Path: "session " + s.label(), Outcome: outcome, Err: err}
}

// claim claims the session. It repeats a write without a known outcome until ctx ends.
func (c *Client) claim(ctx context.Context, d *DetachedSession) (Outcome, error) {
	outcome := OutcomeNotSent // of all tries
	pause := c.Pauses(ctx)
	for {
		if err := c.ready(ctx, false); err != nil {
			return outcome, err
		}
		_, err := c.Set(ctx, d.form.Claim, []byte(d.holder), 0)
		if errors.Is(err, ErrBadVersion) {
			// The reply to an earlier try may have been lost.
			var n Node
			n, err = c.Get(ctx, d.form.Claim)
			if err == nil && string(n.Data) != d.holder {
				return OutcomeRejected, ErrMoved
			}
		}
		switch {
		case err == nil:
			return 0, nil
		case errors.Is(err, ErrNoNode):
			return OutcomeRejected, ErrMoved
		case OutcomeOf(err) == OutcomeRejected:
			return OutcomeRejected, err
		case OutcomeOf(err) == OutcomeUnknown:
			outcome = OutcomeUnknown
		}
		if errors.Is(err, ErrClosed) || pause() != nil {
			return outcome, err
		}
	}
}

// Adopt makes a detached session the client's own, before the session loop begins. It has
// no lease: that begins with the first handshake of this client.
func (c *core) Adopt(d *DetachedSession) {
	c.Lock()
	defer c.Unlock()
	now, left := clockNow(), d.now()
	s := &Session{
		c: c, ordinal: 1, id: d.form.ID, opened: time.Now(), guards: map[*guard]struct{}{},
		passwd: d.passwd, least: left.timeout(), granted: left.timeout(), lastAnswered: now, doubtful: left.Doubtful,
	}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	s.retime(left.timeout(), now)
	c.grants.record("", left.timeout()) // for servers that have not answered yet
	// xids go on. A server matches a write that is under way by its session and xid. It
	// could take a late reply to the old client for the reply to a new request.
	c.session, c.keeps, c.xid, c.zxid = s, true, left.Xid, left.Zxid
}

// Claimed records that the session belongs to this client. It returns false if the
// session is over.
func (c *core) Claimed(s *Session) bool {
	c.Lock()
	defer c.Unlock()
	if s != c.live() || c.ending != nil {
		return false
	}
	c.keeps = false
	c.log.Info("zk: session resumed from another client", slog.String("session", s.label()))
	return true
}
