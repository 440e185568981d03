package zkotel

import (
	"container/list"
	"sync"
)

// recent keeps the values that were put last, by ID, up to a limit. So a value that
// nobody takes does not stay for ever. Many goroutines may use it.
type recent[V any] struct {
	limit int

	mu    sync.Mutex
	order *list.List // of entry[V], the oldest first
	byID  map[uint64]*list.Element
}

type entry[V any] struct {
	id    uint64
	value V
}

func newRecent[V any](limit int) *recent[V] {
	return &recent[V]{limit: limit, order: list.New(), byID: map[uint64]*list.Element{}}
}

// put keeps a value under an ID that is new. If there are too many then, it returns the
// oldest, which is no longer kept.
func (r *recent[V]) put(id uint64, v V) (oldest V, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byID[id] = r.order.PushBack(entry[V]{id, v})
	if len(r.byID) <= r.limit {
		return oldest, false
	}
	return r.remove(r.order.Front()), true
}

// get returns the value of an ID, if it is kept.
func (r *recent[V]) get(id uint64) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.byID[id]
	if !ok {
		return v, false
	}
	return at.Value.(entry[V]).value, true
}

// take is get that does not keep the value any longer.
func (r *recent[V]) take(id uint64) (v V, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.byID[id]
	if !ok {
		return v, false
	}
	return r.remove(at), true
}

// remove assumes the lock.
func (r *recent[V]) remove(at *list.Element) V {
	e := r.order.Remove(at).(entry[V])
	delete(r.byID, e.id)
	return e.value
}
