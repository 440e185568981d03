package zk

import (
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/zk/internal/link"
)

// Errors of the client itself. Test for them with errors.Is.
var (
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("client is closed")
	// ErrDetached: Client.Detach was called. The client is closed, and its session goes
	// on in the client that resumes it. It wraps ErrClosed.
	ErrDetached = fmt.Errorf("%w: its session was detached", ErrClosed)
	// ErrMoved: Connect was to resume a session that another client has taken over, or
	// is about to. A DetachedSession serves one client only.
	ErrMoved = errors.New("the session was taken over by another client: a detached session serves only one")
	// ErrInvalidConfig: Connect was given an invalid Config. The error names all
	// its faults.
	ErrInvalidConfig = errors.New("invalid config")
	// ErrLeaseLapsed is the cause of a Guard's context when the time passed
	// for which the ensemble is known to keep the session.
	ErrLeaseLapsed = errors.New("session lease lapsed")
	// ErrTooLarge: the request is over Config.MaxRequestSize; it was not sent.
	ErrTooLarge = errors.New("request too large")
	// ErrReplyTooLarge: the reply was over Config.MaxReplySize and was skipped. The
	// error is a *ReplyTooLargeError, which has both sizes.
	ErrReplyTooLarge = errors.New("reply too large")
	// ErrPipelineBroken: an earlier request of the Pipeline ended without a
	// verdict of the server. The first cause is wrapped beside it.
	ErrPipelineBroken = errors.New("pipeline broken")
	// ErrBoundExpired: the request is bound to a session that is over, by InSession
	// for instance. It will never run. It wraps ErrSessionExpired. SafeToRetry
	// reports false for it.
	ErrBoundExpired = fmt.Errorf("%w: a request that is bound to it will never run", ErrSessionExpired)
	// ErrForeignOp: an op that is bound to one client was given to another.
	ErrForeignOp = errors.New("op belongs to another client")
	// ErrWatchLost: the server refused to restore the watch after a reconnect, or an
	// event that may have been the watch's was too large to be read.
	ErrWatchLost = errors.New("watch could not be restored")
	// ErrUnconfirmed: it is not known whether the session, or a node, is gone from
	// the server.
	ErrUnconfirmed = errors.New("not confirmed by the server")
	// ErrNoChroot: the chroot of the connect string does not exist. Connect returns
	// it. If the chroot is deleted later, every synchronous call that finds a node
	// missing returns it. The client makes one more read then, to look for the
	// chroot. A call of a Pipeline returns it only if it is about "/", or creates a
	// node right below it. Such an error is also an ErrNoNode.
	ErrNoChroot = errors.New("chroot does not exist")
	// ErrInvalidPath: the path is not one that ZooKeeper accepts.
	ErrInvalidPath = errors.New("invalid path")
	// ErrReadOnly: the server has no quorum and offered a read-only session, or no
	// session at all. Without Config.ReadOnly the client does not accept it. It is also
	// the reason of StateReadOnly in Stats. A write that such a server refuses fails with
	// ErrNotReadOnly.
	ErrReadOnly = errors.New("server is read-only")
	// ErrProtocol: the server sent bytes that are not the protocol.
	ErrProtocol = link.ErrProtocol
	// ErrSilent: the server did not answer in time.
	ErrSilent = link.ErrSilent
	// ErrSlowReply: a reply came in at less than a KiB a second, so the client left
	// the connection. It repeats a read once after that, on another connection. Then
	// the read fails with this error. Ask for less, or look at the network.
	ErrSlowReply = link.ErrSlowReply
)

// Outcome says what is known of a request that failed.
type Outcome uint8

const (
	// OutcomeUnknown: it may have reached the server and may have taken effect.
	OutcomeUnknown Outcome = iota
	// OutcomeNotSent: no byte of it left; it is safe to repeat.
	OutcomeNotSent
	// OutcomeRejected: the server refused it; nothing changed.
	OutcomeRejected
)

// String returns the outcome's name.
func (o Outcome) String() string { return nameOf(o, "outcome unknown", "not sent", "rejected") }

// OpError is the error of every operation. It has the operation, the path, the
// outcome and the reason. Err, the reason, is one of these:
//
//   - a Code, or one of this package's errors;
//   - the Err and the cause of a context that has ended (errors.Is finds both);
//   - an error of the network;
//   - the OpError of a request that was part of the operation.
type OpError struct {
	Op      string
	Path    string // "" where the operation has none
	Outcome Outcome
	Err     error
}

// Error names the operation, the path, the reason and the outcome. It is one
// line, with one outcome: those of other OpErrors in Err are left out.
func (e *OpError) Error() string {
	if e.Outcome == OutcomeRejected {
		return "zk: " + e.bare()
	}
	return fmt.Sprintf("zk: %s (%v)", e.bare(), e.Outcome)
}

// bare is Error without the package and the outcome.
func (e *OpError) bare() string {
	reason := fmt.Sprint(e.Err)
	for _, inner := range innerOpErrors(e.Err, nil) {
		// The text of a wrapper has the text of the error that it wraps.
		reason = strings.ReplaceAll(reason, inner.Error(), inner.bare())
	}
	reason = oneline.Text(reason)
	if e.Path == "" {
		return e.Op + ": " + reason
	}
	return e.Op + " " + e.Path + ": " + reason
}

// innerOpErrors appends the outermost OpErrors in the tree of err.
func innerOpErrors(err error, found []*OpError) []*OpError {
	switch e := err.(type) {
	case *OpError:
		return append(found, e)
	case interface{ Unwrap() error }:
		return innerOpErrors(e.Unwrap(), found)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			found = innerOpErrors(one, found)
		}
	}
	return found
}

// Unwrap returns Err.
func (e *OpError) Unwrap() error { return e.Err }

// OutcomeOf returns the outcome that err carries: that of the first OpError in
// its chain, and OutcomeUnknown for every other error.
func OutcomeOf(err error) Outcome {
	if e, ok := errors.AsType[*OpError](err); ok {
		return e.Outcome
	}
	return OutcomeUnknown
}

// ReplyTooLargeError is an ErrReplyTooLarge. The OpError around it names the
// operation and the path.
type ReplyTooLargeError struct {
	Size  int // of the reply, in bytes
	Limit int // Config.MaxReplySize
}

// Error gives both sizes, and says what to do.
func (e *ReplyTooLargeError) Error() string {
	return fmt.Sprintf("%v: %d bytes, limit %d: raise Config.MaxReplySize", ErrReplyTooLarge, e.Size, e.Limit)
}

// Unwrap returns ErrReplyTooLarge.
func (e *ReplyTooLargeError) Unwrap() error { return ErrReplyTooLarge }

// errNilContext refuses a call whose context is nil.
var errNilContext = fmt.Errorf("%w: nil context", ErrBadArguments)
