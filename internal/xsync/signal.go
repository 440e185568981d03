package xsync

// Wakeup wakes one goroutine that looks for work in a loop. The zero value is ready. A
// Wakeup must not be copied.
//
// Wake-ups do not count: several before the goroutine looks are one. So the work is
// recorded first, then Wake is called, and the goroutine looks for work only after it
// has received:
//
//	for {
//		select {
//		case <-w.C():
//		case <-done:
//			return
//		}
//		// all work that was recorded before any Wake until now is visible here
//	}
type Wakeup struct {
	pending token
}

// Wake makes one receive from C succeed, now or later. It never waits.
func (w *Wakeup) Wake() {
	select {
	case w.pending.get() <- struct{}{}:
	default: // the goroutine has not received the last one yet, so it will look again
	}
}

// C returns the channel on which the wake-ups arrive. It is never closed, and always
// the same channel.
func (w *Wakeup) C() <-chan struct{} { return w.pending.get() }

// Broadcast tells any number of goroutines that a state has changed. The zero value is
// ready.
//
// A Broadcast has no lock of its own: the mutex that guards the state also guards its
// methods. A goroutine reads the state and calls C under one hold of that mutex. If it
// did so under two, it would miss a change in between.
//
//	mu.Lock()
//	now, changed := state, b.C()
//	mu.Unlock()
//	// … state is not what we wait for
//	<-changed
type Broadcast struct {
	c chan struct{} // nil unless a goroutine has asked since the last Notify
}

// C returns a channel that the next Notify closes.
func (b *Broadcast) C() <-chan struct{} {
	if b.c == nil {
		b.c = make(chan struct{})
	}
	return b.c
}

// Notify closes the channel of all calls of C since the last Notify. It costs nothing
// if there were none.
func (b *Broadcast) Notify() {
	if b.c != nil {
		close(b.c)
		b.c = nil
	}
}
