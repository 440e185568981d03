package zk

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// DetachedSession is a session that no client uses now, from Client.Detach.
// Config.Resume gives it to a client, in this process or in another one. It serves one
// client only.
//
// It has the password of the session. Whoever has the password can act as the session.
// So no form of printing shows it, and the type has no MarshalText and no MarshalJSON,
// which a logger would call. Marshal returns a text with the password: write it where
// only the next process reads it, such as a pipe.
type DetachedSession struct {
	form   detachedForm // without the password
	passwd secret[[]byte]
	holder string // marks the claim of this value: see claim

	mu   sync.Mutex
	used bool // a Connect has it, or has had it with success
	// doubtful: handshakes were sent for the session that led to no connection.
	doubtful bool
}

// detachedForm is the text of a DetachedSession.
type detachedForm struct {
	Version  int    `json:"version"`
	ID       int64  `json:"id"`
	Password []byte `json:"password"`
	Timeout  int64  `json:"timeout_ms"` // the smallest of all handshakes
	Zxid     int64  `json:"zxid"`       // the highest that the client has seen
	Xid      int32  `json:"xid"`        // the last one used
	Chroot   string `json:"chroot"`
	Claim    string `json:"claim"` // the path of the node that the next client claims
	Doubtful bool   `json:"doubtful,omitempty"`
}

// detachedVersion is the version of the text.
const detachedVersion = 1

// ID returns the id of the session.
func (d *DetachedSession) ID() int64 { return d.form.ID }

// Timeout returns the smallest session timeout of all handshakes of the session. The
// ensemble expires the session when no client has resumed it for that long.
func (d *DetachedSession) Timeout() time.Duration {
	return time.Duration(d.form.Timeout) * time.Millisecond
}

// Format prints the session's id, whatever the verb, and never its password.
func (d *DetachedSession) Format(f fmt.State, _ rune) {
	io.WriteString(f, "detached session "+sessionLabel(d.form.ID))
}

// Marshal returns the session as one line of text for ParseDetachedSession. The text has
// the password of the session. It is a secret as long as the session lives.
func (d *DetachedSession) Marshal() []byte {
	form := d.form
	if d.passwd != nil { // it is nil in a value that Detach has not made
		form.Password = d.passwd()
	}
	d.mu.Lock()
	form.Doubtful = d.doubtful
	d.mu.Unlock()
	text, err := json.Marshal(form)
	if err != nil {
		panic(err) // no field can fail
	}
	return text
}

// ParseDetachedSession returns the session from the text that Marshal has made. It
// returns ErrBadArguments if the text is not such a text. The error shows nothing of it.
func ParseDetachedSession(text []byte) (*DetachedSession, error) {
	var form detachedForm
	err := json.Unmarshal(text, &form)
	switch {
	case err != nil:
		return nil, badDetached("it is not what Marshal returns")
	case form.Version != detachedVersion:
		return nil, badDetached(fmt.Sprintf("version %d is unknown: this release knows version %d", form.Version, detachedVersion))
	case form.ID == 0, form.Timeout <= 0, form.Timeout > 1<<31-1, form.Xid < 0, len(form.Password) != proto.PasswordLen:
		return nil, badDetached("a field is missing or damaged")
	case ValidatePath(form.Claim) != nil, form.Chroot != "" && ValidatePath(form.Chroot) != nil:
		return nil, badDetached("a path is missing or damaged")
	}
	return newDetachedSession(form), nil
}

func badDetached(why string) error {
	return &OpError{Op: "parse a detached session", Outcome: OutcomeNotSent, Err: fmt.Errorf("%w: %s", ErrBadArguments, why)}
}

func newDetachedSession(form detachedForm) *DetachedSession {
	d := &DetachedSession{form: form, passwd: hide(form.Password), holder: newClaimMark(), doubtful: form.Doubtful}
	d.form.Password = nil
	return d
}

// take gives d to a Connect. It returns false if another one has it.
func (d *DetachedSession) take() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.used {
		return false
	}
	d.used = true
	return true
}

// giveBack is called when the Connect has failed. A handshake of it may be on its way to
// the leader.
func (d *DetachedSession) giveBack() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used, d.doubtful = false, true
}

func (d *DetachedSession) isDoubtful() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doubtful
}
