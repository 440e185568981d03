package zk

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// authList has the Authenticators that the client runs at every connect: those of
// Config.Auth, and behind them those that AddAuth has added. Any goroutine may use it.
type authList struct {
	mu  sync.Mutex              // leaf lock
	all secret[[]Authenticator] // replaced when it changes, never written to
	// names are those of the Authenticators, each once. They are kept because Name is code
	// of the user, and the reader of the connection must not run any.
	names []string
	// added is how many entries AddAuth has added.
	added int
}

// newAuthList returns the list of Config.Auth.
func newAuthList(all []Authenticator) *authList {
	l := &authList{all: hide(all)}
	for _, a := range all {
		l.addName(a.Name())
	}
	return l
}

func (l *authList) addName(name string) {
	if !slices.Contains(l.names, name) {
		l.names = append(l.names, name)
	}
}

// entries returns the Authenticators. The result must not be changed.
func (l *authList) entries() []Authenticator {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all()
}

// additions returns how many entries AddAuth has added.
func (l *authList) additions() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.added
}

// addedAuth is an entry that AddAuth adds to a list, if the server accepts it.
type addedAuth struct {
	list  *authList
	entry Authenticator
	name  string // of the Authenticator

	// Guarded by list.mu.
	kept bool // it is in the list
	over bool // AddAuth has returned an error
}

// accepted puts the entry into the list, unless AddAuth has given up.
func (a *addedAuth) accepted() {
	a.list.mu.Lock()
	defer a.list.mu.Unlock()
	if a.over || a.kept {
		return
	}
	a.kept = true
	a.list.all = hide(withAuth(a.list.all(), a.entry))
	a.list.added++
	a.list.addName(a.name)
}

// giveUp makes sure that a late reply does not put the entry into the list. It returns
// true if the entry is already there.
func (a *addedAuth) giveUp() (kept bool) {
	a.list.mu.Lock()
	defer a.list.mu.Unlock()
	a.over = true
	return a.kept
}

// copyAuth returns a copy of the entries of Config.Auth.
func copyAuth(all []Authenticator) (list []Authenticator) {
	for _, a := range all {
		list = withAuth(list, a)
	}
	return list
}

// withAuth returns a list with one more entry. Neighbouring credentials become one
// Authenticator, and each credential is in the list once. It does not change list.
func withAuth(list []Authenticator, entry Authenticator) []Authenticator {
	a, ok := asAuth(entry)
	if !ok {
		return append(slices.Clip(list), entry)
	}
	same := func(b Auth) bool { return a.Scheme == b.Scheme && bytes.Equal(a.Data, b.Data) }
	for _, each := range list {
		if run, ok := each.(credentials); ok && slices.ContainsFunc(run, same) {
			return list
		}
	}
	a.Data = bytes.Clone(a.Data)
	last := len(list) - 1
	if last >= 0 {
		if run, ok := list[last].(credentials); ok {
			return append(slices.Clip(list[:last]), append(slices.Clip(run), a))
		}
	}
	return append(slices.Clip(list), credentials{a})
}

// noAuth is the error of a request that the client has no right for. It names what the
// client has presented, and no secret.
func (l *authList) noAuth() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := "none"
	if len(l.names) > 0 {
		names = strings.Join(l.names, ", ")
	}
	return fmt.Errorf("%w (credentials: %s)", ErrNoAuth, names)
}
