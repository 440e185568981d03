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
// It has the password of the session. Any program with the password can act as the session.
// So no form of printing shows it, and the type has no MarshalText and no MarshalJSON,
// which a logger would call. Marshal returns a text with the password: write it where
// only the next process reads it, such as a pipe.
type DetachedSession struct {
	form   detachedForm // without the password and the trail
	passwd secret[[]byte]
	holder string // marks the claim of this value: see claim

	mu   sync.Mutex
	used bool // a Connect has it, or has had it with success
	left trail
}

// detachedForm is the text of a DetachedSession.
type detachedForm struct {
	Version  int    `json:"version"`
	ID       int64  `json:"id"`
	Password []byte `json:"password"`
	Chroot   string `json:"chroot"`
	Claim    string `json:"claim"` // the path of the node that the next client claims
	trail
}

// trail is what the clients of a session have left behind, and the next one must know.
type trail struct {
	Timeout  int64 `json:"timeout_ms"`         // the smallest of all handshakes
	Zxid     int64 `json:"zxid"`               // the highest that a client has seen
	Xid      int32 `json:"xid"`                // the last one used
	Doubtful bool  `json:"doubtful,omitempty"` // a handshake has led to no connection
}

// detachedVersion is the version of the text.
const detachedVersion = 1

// ID returns the id of the session.
func (d *DetachedSession) ID() int64 { return d.form.ID }

// Timeout returns the smallest session timeout of all handshakes of the session. The
// ensemble expires the session when no client has resumed it for that long.
func (d *DetachedSession) Timeout() time.Duration { return d.now().timeout() }

func (t trail) timeout() time.Duration { return time.Duration(t.Timeout) * time.Millisecond }

// now returns the trail of all clients until now.
func (d *DetachedSession) now() trail {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left
}

// Format prints the session's id, whatever the verb, and never its password.
func (d *DetachedSession) Format(f fmt.State, _ rune) {
	io.WriteString(f, "detached session "+sessionLabel(d.form.ID))
}

// Marshal returns the session as one line of text for ParseDetachedSession. The text has
// the password of the session. It is a secret as long as the session lives.
func (d *DetachedSession) Marshal() []byte {
	form := d.form
	form.trail = d.now()
	if d.passwd != nil { // it is nil in a value that Detach has not made
		form.Password = d.passwd()
	}
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
	d := &DetachedSession{form: form, passwd: hide(form.Password), holder: newClaimMark(), left: form.trail}
	d.form.Password, d.form.trail = nil, trail{}
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

// giveBack is called when the Connect has failed. left is the trail with what it has added.
func (d *DetachedSession) giveBack(left trail) {
	d.mu.Lock()
	defer d.mu.Unlock()
	// A Connect that has given the session up has forgotten the zxid. A server that lags
	// behind could answer the next client with older data.
	left.Zxid = max(left.Zxid, d.left.Zxid)
	d.used, d.left = false, left
}
