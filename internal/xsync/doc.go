// Package xsync has the small means of waiting that several packages need: a mutex
// whose wait has a context, a wake-up, a broadcast, and a pause.
//
// All of them wait on channels. A goroutine that waits is therefore durably blocked in
// a testing/synctest bubble, so virtual time advances, which it would not for a
// sync.Mutex. The zero values are ready. Each makes its channel at first use, which
// puts it into the bubble that uses it.
package xsync

import "sync"

// token is a channel for one token, made at first use.
type token struct {
	once sync.Once
	c    chan struct{}
}

func (t *token) get() chan struct{} {
	t.once.Do(func() { t.c = make(chan struct{}, 1) })
	return t.c
}
