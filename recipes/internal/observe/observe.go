// Package observe calls the hooks of the recipes.
package observe

import (
	"cmp"
	"fmt"
	"log/slog"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/lines"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Hooks has the hooks of a client that observe recipes, sorted by what they observe.
// nil has none. All its methods can be called on nil.
type Hooks struct {
	log lines.Log

	acquiring     []recipes.HookAcquiring
	queued        []recipes.HookQueued
	granted       []recipes.HookGranted
	gaveUp        []recipes.HookGaveUp
	holdEnded     []recipes.HookHoldEnded
	leaderChanged []recipes.HookLeaderChanged
	memberChanged []recipes.HookMemberChanged
	cacheChanged  []recipes.HookCacheChanged
	setAside      []recipes.HookSetAside
}

// Of returns the hooks of a client. A client that cannot be used has none.
func Of(c *zk.Client) *Hooks {
	if refused.Client(c) != nil {
		return nil
	}
	cfg := c.Config()
	h := &Hooks{log: lines.New(cfg.Logger, "recipes")}
	found := false
	for _, hook := range cfg.Hooks {
		pick(&h.acquiring, hook, &found)
		pick(&h.queued, hook, &found)
		pick(&h.granted, hook, &found)
		pick(&h.gaveUp, hook, &found)
		pick(&h.holdEnded, hook, &found)
		pick(&h.leaderChanged, hook, &found)
		pick(&h.memberChanged, hook, &found)
		pick(&h.cacheChanged, hook, &found)
		pick(&h.setAside, hook, &found)
	}
	if !found {
		return nil
	}
	return h
}

// Logger returns the logger of a recipe: its own, or else that of the client.
func Logger(c *zk.Client, own *slog.Logger) *slog.Logger {
	if own != nil {
		return own
	}
	if refused.Client(c) == nil {
		own = c.Config().Logger
	}
	return cmp.Or(own, slog.New(slog.DiscardHandler)) // a Client that Connect has not made has none
}

// pick appends a hook to the list of one kind, if it is of that kind.
func pick[H any](list *[]H, hook zk.Hook, found *bool) {
	if of, ok := hook.(H); ok {
		*list = append(*list, of)
		*found = true
	}
}

// Acquisitions reports whether a hook observes any part of an acquisition or hold.
func (h *Hooks) Acquisitions() bool {
	return h != nil && len(h.acquiring)+len(h.queued)+len(h.granted)+len(h.gaveUp)+len(h.holdEnded) > 0
}

// Acquiring calls the hooks of that kind. So do the other methods.
func (h *Hooks) Acquiring(e recipes.Acquisition) {
	if h != nil {
		each(h, h.acquiring, func(hook recipes.HookAcquiring) { hook.OnAcquiring(e) })
	}
}

// Queued calls the hooks of that kind.
func (h *Hooks) Queued(e recipes.Queued) {
	if h != nil {
		each(h, h.queued, func(hook recipes.HookQueued) { hook.OnQueued(e) })
	}
}

// Granted calls the hooks of that kind.
func (h *Hooks) Granted(e recipes.Granted) {
	if h != nil {
		each(h, h.granted, func(hook recipes.HookGranted) { hook.OnGranted(e) })
	}
}

// GaveUp calls the hooks of that kind.
func (h *Hooks) GaveUp(e recipes.GaveUp) {
	if h != nil {
		each(h, h.gaveUp, func(hook recipes.HookGaveUp) { hook.OnGaveUp(e) })
	}
}

// HoldEnded calls the hooks of that kind.
func (h *Hooks) HoldEnded(e recipes.HoldEnded) {
	if h != nil {
		each(h, h.holdEnded, func(hook recipes.HookHoldEnded) { hook.OnHoldEnded(e) })
	}
}

// LeaderChanged calls the hooks of that kind.
func (h *Hooks) LeaderChanged(e recipes.LeaderChanged) {
	if h != nil {
		each(h, h.leaderChanged, func(hook recipes.HookLeaderChanged) { hook.OnLeaderChanged(e) })
	}
}

// MemberChanged calls the hooks of that kind.
func (h *Hooks) MemberChanged(e recipes.MemberChanged) {
	if h != nil {
		each(h, h.memberChanged, func(hook recipes.HookMemberChanged) { hook.OnMemberChanged(e) })
	}
}

// CacheChanged calls the hooks of that kind.
func (h *Hooks) CacheChanged(e recipes.CacheChanged) {
	if h != nil {
		each(h, h.cacheChanged, func(hook recipes.HookCacheChanged) { hook.OnCacheChanged(e) })
	}
}

// SetAside calls the hooks of that kind.
func (h *Hooks) SetAside(e recipes.SetAside) {
	if h != nil {
		each(h, h.setAside, func(hook recipes.HookSetAside) { hook.OnSetAside(e) })
	}
}

// each calls f for every hook of one kind. A panic of a hook is logged and goes no
// further.
func each[H any](h *Hooks, list []H, f func(H)) {
	for _, hook := range list {
		func() {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				h.log.Line(slog.LevelError, lines.HookPanic, slog.String("hook", fmt.Sprintf("%T", hook)), slog.String("panic", oneline.Text(p)))
			}()
			f(hook)
		}()
	}
}
