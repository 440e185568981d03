package zk

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"github.com/zookit/zookit/internal/oneline"
)

// hooks has Config.Hooks, sorted by what they observe. A client without hooks has
// none: it makes no observation, and reads no clock for it. All methods can be
// called on nil. lost, ended, renewed, lapsed and unwatched assume the lock of the
// core, and call the hooks when it is unlocked. The others are called without it.
type hooks struct {
	log *slog.Logger

	connTried       []HookConnTried
	connOpened      []HookConnOpened
	connLost        []HookConnLost
	sessionOpened   []HookSessionOpened
	sessionResumed  []HookSessionResumed
	sessionEnded    []HookSessionEnded
	requestWritten  []HookRequestWritten
	requestAnswered []HookRequestAnswered
	callEnded       []HookCallEnded
	watchFired      []HookWatchFired
	watchLost       []HookWatchLost
	leaseRenewed    []HookLeaseRenewed
	leaseLapsed     []HookLeaseLapsed
}

// newHooks sorts hooks, and returns nil if there are none. The error names those
// that observe nothing.
func newHooks(all []Hook, log *slog.Logger) (*hooks, []error) {
	if len(all) == 0 {
		return nil, nil
	}
	h := &hooks{log: log}
	var errs []error
	for i, hook := range all {
		if !h.add(hook) && !observesOthers(hook) {
			errs = append(errs, fmt.Errorf("hook %d of Hooks, a %T, has no method of a Hook interface: look at the names and parameters of its methods, and whether they need a pointer", i, hook))
		}
	}
	return h, errs
}

// observesOthers reports whether a hook may be one of those of the recipes, which this
// package does not know: it has a method whose name begins like theirs, and which
// takes one event and returns nothing.
func observesOthers(hook Hook) bool {
	t := reflect.TypeOf(hook)
	if t == nil {
		return false
	}
	for i := range t.NumMethod() {
		m := t.Method(i) // its first parameter is the hook itself
		if strings.HasPrefix(m.Name, "On") && m.Type.NumIn() == 2 && m.Type.NumOut() == 0 && m.Type.In(1).PkgPath() == recipesPath {
			return true
		}
	}
	return false
}

// recipesPath is the package with the hooks of the recipes.
const recipesPath = "github.com/zookit/zookit/recipes"

// add returns false if the hook observes nothing.
func (h *hooks) add(hook Hook) bool {
	found := false
	pick(&h.connTried, hook, &found)
	pick(&h.connOpened, hook, &found)
	pick(&h.connLost, hook, &found)
	pick(&h.sessionOpened, hook, &found)
	pick(&h.sessionResumed, hook, &found)
	pick(&h.sessionEnded, hook, &found)
	pick(&h.requestWritten, hook, &found)
	pick(&h.requestAnswered, hook, &found)
	pick(&h.callEnded, hook, &found)
	pick(&h.watchFired, hook, &found)
	pick(&h.watchLost, hook, &found)
	pick(&h.leaseRenewed, hook, &found)
	pick(&h.leaseLapsed, hook, &found)
	return found
}

// pick appends a hook to the list of one kind, if it is of that kind.
func pick[H any](list *[]H, hook Hook, found *bool) {
	if of, ok := hook.(H); ok {
		*list = append(*list, of)
		*found = true
	}
}

// each calls f for every hook of one kind.
func each[H any](h *hooks, list []H, f func(H)) {
	for _, hook := range list {
		guarded(h, hook, f)
	}
}

// guarded calls f. A panic of a hook is logged and goes no further: it is the fault
// of an observer, and neither a call nor the connection may end for it.
func guarded[H any](h *hooks, hook H, f func(H)) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		defer func() { _ = recover() }() // the log handler may panic too
		h.log.Error("zk: panic in a hook of Config.Hooks", "hook", fmt.Sprintf("%T", hook), "panic", oneline.Text(p))
	}()
	f(hook)
}
