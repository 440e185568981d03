package link_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

var errOver = errors.New("over")

// Requests are written in the order of Submit, those of New first. Replies and
// events are delivered in the order of the wire, each reply with its request.
func TestLink_KeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config(), request("a"), request("b"))
		r.submit("c")
		r.SubmitFirst(request("heartbeat"))
		r.Start()
		r.submit("d")
		require.Equal(t, []string{"heartbeat", "a", "b", "c", "d"}, r.readAll(5))
		r.say(join(reply(1, "1"), event("x"), reply(2, "2")))
		synctest.Wait()
		r.say(join(event("y"), event("z"), reply(3, "3")))
		synctest.Wait()
		require.Equal(t, []string{"heartbeat 1", "event x", "a 2", "event y", "event z", "b 3"}, r.h.taken())
		require.Equal(t, 2, r.h.reads)
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"c", "d"}, sent)
		require.Empty(t, unsent)
		require.Equal(t, errOver, r.Err())
	})
}

// Xids go on where the last link has stopped, and never become negative. A
// reserved one stays as it is.
func TestLink_Xids(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Xid = math.MaxInt32 - 1
		restore := request("restore")
		restore.Xid = proto.XidSetWatches
		r := rigged(t, cfg, restore, request("a"), request("b"))
		r.Start()
		require.Equal(t, proto.XidSetWatches, r.read().xid)
		require.EqualValues(t, math.MaxInt32, r.read().xid)
		require.EqualValues(t, 1, r.read().xid)
		r.say(reply(proto.XidSetWatches, ""), reply(math.MaxInt32, ""), reply(1, ""))
		synctest.Wait()
		require.Equal(t, []string{"restore ", "a ", "b "}, r.h.taken())
		r.end(errOver)
		require.EqualValues(t, 1, r.LastXid())
	})
}

// What waits can be withdrawn, what was sent cannot. A link that has ended keeps
// what is submitted for TakeBack.
func TestLink_Withdraw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config())
		a, b, c := request("a"), request("b"), request("c")
		for _, one := range []*link.Request{a, b, c} {
			r.Submit(one, false)
		}
		r.submit("x1", "x2")
		require.True(t, r.Withdraw(b))
		require.False(t, r.Withdraw(b))
		gone := r.WithdrawFunc(func(q *link.Request) bool { return name(q)[0] == 'x' })
		require.Len(t, gone, 2)
		require.Equal(t, "x1", name(gone[0]))
		r.Start()
		require.Equal(t, []string{"a", "c"}, r.readAll(2))
		synctest.Wait()
		require.False(t, r.Withdraw(a))
		r.Fail(errOver)
		r.submit("late", "later")
		late := request("withdrawn")
		require.False(t, r.Submit(late, true), "no caller has to write")
		require.True(t, r.Withdraw(late))
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"a", "c"}, sent)
		require.Equal(t, []string{"late", "later"}, unsent)
	})
}

// The first reason stays.
func TestLink_EndsForTheFirstReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		require.NoError(t, r.Err())
		r.Fail(errOver)
		r.Fail(errors.New("too late"))
		<-r.Ended()
		r.end(errors.New("far too late"))
		require.Equal(t, errOver, r.Err())
	})
}

// A link that is never started has nobody to join.
func TestLink_EndsBeforeItsStart(t *testing.T) {
	r := rigged(t, config(), request("a"))
	sent, unsent := r.end(errOver)
	require.Empty(t, sent)
	require.Equal(t, []string{"a"}, unsent)
}

// However many goroutines submit, each reply belongs to its request, and a caller
// that got the token writes for itself.
func TestLink_ManyCallers(t *testing.T) {
	r := started(t)
	type answer struct{ body string }
	answers := map[string]chan answer{}
	const callers, each = 32, 200
	for i := range callers {
		answers[strconv.Itoa(i)] = make(chan answer, 1)
	}
	r.h.receive = func(frames []link.Frame) error {
		for _, f := range frames {
			answers[name(f.Request)] <- answer{string(f.Body)}
		}
		return nil
	}
	var serving, calling sync.WaitGroup
	serving.Go(func() {
		for range callers * each {
			q := r.read()
			r.say(reply(q.xid, q.name))
		}
	})
	for i := range callers {
		calling.Go(func() {
			me := strconv.Itoa(i)
			for range each {
				q := request(me)
				q.Waits = true
				if r.Submit(q, true) {
					r.Write()
				}
				if got := (<-answers[me]).body; got != me {
					t.Errorf("%s got the reply to %s", me, got)
				}
			}
		})
	}
	calling.Wait()
	serving.Wait()
	sent, unsent := r.end(errOver)
	require.Empty(t, append(sent, unsent...))
	require.Len(t, r.h.got, callers*each)
}

// Callers of which one batch of replies takes care share the next write.
func TestLink_CallersOfOneBatchShareAWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 16
		r := rigged(t, config())
		for _, name := range numbered(n) {
			q := request(name)
			q.Waits = true
			r.Submit(q, false)
		}
		r.Start()
		r.readAll(n)
		var batch []byte
		for i := range n {
			batch = append(batch, reply(int32(i+1), "")...)
		}
		r.h.receive = func(frames []link.Frame) error {
			for range frames {
				require.False(t, r.Submit(request("next"), true), "the reader writes")
			}
			r.h.receive = nil
			return nil
		}
		before := r.nc.written()
		r.say(batch)
		synctest.Wait()
		require.Equal(t, 1, r.nc.written()-before)
		require.Len(t, r.readAll(n), n)
		r.end(errOver)
	})
}

// A caller writes only what surely fits into the socket's buffers. The standby
// writer writes the rest.
func TestLink_CallersWriteLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		require.False(t, r.Submit(request(strings.Repeat("x", 9<<10)), true))
		require.Len(t, r.read().name, 9<<10)
		r.say(reply(1, ""))
		synctest.Wait()

		require.True(t, r.Submit(request("a"), true))
		require.False(t, r.Submit(request("b"), true), "the first one writes for both")
		require.False(t, r.Submit(request("c"), false))
		synctest.Wait()
		before := r.nc.written()
		r.Write()
		require.Equal(t, 1, r.nc.written()-before)
		require.Equal(t, []string{"a", "b", "c"}, r.readAll(3))

		for i := range 6 { // unanswered, 2 KiB each
			if r.Submit(request(strings.Repeat("y", 2<<10)), true) {
				require.Less(t, i, 4)
				r.Write()
			} else {
				require.Greater(t, i, 2)
			}
		}
		require.Len(t, r.readAll(6), 6)
		r.end(errOver)
	})
}

// The Handler may keep requests from being written, and change the others.
func TestLink_HandlerHasTheLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config(), request("a"), request("b"), request("c"))
		r.h.sending = func(batch []*link.Request) []*link.Request {
			for _, one := range batch {
				one.Frame[len(one.Frame)-1] -= 'a' - 'A'
			}
			return append(batch[:1], batch[2])
		}
		r.Start()
		require.Equal(t, []string{"A", "C"}, r.readAll(2))
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"a", "c"}, sent)
		require.Empty(t, unsent)
	})
}

// A credential is answered when the server has read it, before requests that were
// written earlier. The replies to several credentials come in order.
func TestLink_CredentialsAreAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := func(name string) *link.Request {
			q := request(name)
			q.Xid = proto.XidAuth
			return q
		}
		r := rigged(t, config(), request("a"), auth("first"), request("b"), auth("second"), auth("third"))
		r.Start()
		require.Equal(t, []string{"a", "first", "b", "second", "third"}, r.readAll(5))
		r.say(reply(proto.XidAuth, "1"), reply(1, ""), reply(proto.XidAuth, "2"))
		synctest.Wait()
		require.Equal(t, []string{"first 1", "a ", "second 2"}, r.h.taken())
		_, unanswered := r.Load()
		require.Equal(t, 2, unanswered)
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"b", "third"}, sent)
		require.Empty(t, unsent)

		r = started(t, auth("only"))
		r.readAll(1)
		r.say(reply(proto.XidAuth, "1"), reply(proto.XidAuth, "2"))
		<-r.Ended()
		require.ErrorIs(t, r.Err(), link.ErrProtocol)
		require.Equal(t, []string{"only 1"}, r.h.taken())
		r.end(errOver)
	})
}
