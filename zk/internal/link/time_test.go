package link_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

const limit = 4 * time.Second // of silence

// silence returns how long the link may still wait, in seconds.
func (r *rig) silence() (left float64, err error) {
	d, err := r.Silence(time.Now(), limit)
	return d.Seconds(), err
}

// The oldest request may go unanswered for the limit. A reply to it starts the
// time again for the next.
func TestSilence_OfTheOldestRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		time.Sleep(time.Hour)
		left, err := r.Silence(time.Now(), limit)
		require.NoError(t, err)
		require.Equal(t, time.Duration(math.MaxInt64), left, "nothing is unanswered")

		r.submit("a", "b")
		r.readAll(2)
		time.Sleep(3 * time.Second)
		s, err := r.silence()
		require.NoError(t, err)
		require.Equal(t, 1.0, s)
		r.say(event("e"), reply(1, ""), event("e"))
		synctest.Wait()
		time.Sleep(3 * time.Second)
		r.say(event("no sign of life"))
		synctest.Wait()
		s, err = r.silence()
		require.NoError(t, err)
		require.Equal(t, 1.0, s)
		time.Sleep(time.Second)
		_, err = r.silence()
		require.ErrorIs(t, err, link.ErrSilent)
		require.NotErrorIs(t, err, link.ErrSlowReply)
		require.ErrorContains(t, err, "7s")
		require.NoError(t, r.Err(), "it is for the session to end it")
		r.end(err)
	})
}

// A Prompt request is due after its own sending, whatever else is answered.
func TestSilence_OfAPromptRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		r.submit("a")
		sync := request("sync")
		sync.Prompt = true
		r.Submit(sync, false)
		r.readAll(2)
		time.Sleep(3 * time.Second)
		r.say(reply(1, ""))
		synctest.Wait()
		time.Sleep(time.Second)
		_, err := r.silence()
		require.ErrorIs(t, err, link.ErrSilent)
		r.end(err)
	})
}

// A ping is sent when nothing was written for a while, also behind an unanswered
// one. Its answer is delivered, with the time at which it was sent.
func TestPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const after = time.Second
		r := started(t)
		time.Sleep(after / 2)
		require.Equal(t, after/2, r.Ping(time.Now(), after))
		time.Sleep(after / 2)
		first := time.Now()
		require.Equal(t, after, r.Ping(time.Now(), after))
		require.Equal(t, proto.OpPing, r.read().op)
		require.Equal(t, after, r.Ping(time.Now(), after), "it was written now")
		time.Sleep(after)
		r.Ping(time.Now(), after)
		require.Equal(t, proto.XidPing, r.read().xid)
		left, err := r.silence()
		require.NoError(t, err)
		require.Equal(t, 3.0, left)

		var sent []time.Time
		r.h.receive = func(frames []link.Frame) error {
			for _, f := range frames {
				sent = append(sent, f.Request.SentAt)
			}
			return nil
		}
		r.say(reply(proto.XidPing, ""), reply(proto.XidPing, ""))
		synctest.Wait()
		require.Equal(t, []time.Time{first, first.Add(after)}, sent)
		require.Zero(t, r.h.timesHeard(), "pings hide that a reply is lost")

		time.Sleep(after)
		r.submit("a")
		r.read()
		require.Equal(t, after, r.Ping(time.Now(), after), "requests are written instead")
		r.say(reply(proto.XidPing, ""))
		<-r.Ended()
		require.ErrorIs(t, r.Err(), link.ErrProtocol)
		r.end(errOver)
	})
}

// A long reply that comes in fast enough is a sign of life, and keeps the link.
// A connection with too slow replies does not.
func TestSilence_OfALongReply(t *testing.T) {
	for name, bytes := range map[string]int{"fast enough": 1 << 10, "too slow": 10} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := request("a")
				r := started(t, a)
				r.read()
				frame := reply(1, string(make([]byte, 100<<10)))
				for range 60 {
					r.say(frame[:bytes])
					frame = frame[bytes:]
					time.Sleep(time.Second)
					if _, err := r.silence(); err != nil {
						require.Equal(t, "too slow", name)
						require.ErrorIs(t, err, link.ErrSilent)
						require.ErrorIs(t, err, link.ErrSlowReply)
						require.Equal(t, 1, a.Cuts)
						require.Less(t, r.h.timesHeard(), 2)
						r.end(err)
						return
					}
				}
				require.Equal(t, "fast enough", name)
				require.Equal(t, 60, r.h.timesHeard())
				r.say(frame)
				synctest.Wait()
				require.Len(t, r.h.taken(), 1)
				require.Zero(t, a.Cuts)
				r.end(errOver)
			})
		})
	}
}

// A bounded link leaves eight requests unanswered, or as many as were answered of
// late. Unbound ones go out all the same, and everything when the bound is lifted.
func TestSetBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Bounded = true
		r := rigged(t, cfg)
		r.submit(numbered(100)...)
		r.Start()
		require.Equal(t, numbered(8), r.readAll(8))
		own := request("heartbeat")
		own.Unbound = true
		r.SubmitFirst(own)
		require.Equal(t, "heartbeat", r.read().name)
		synctest.Wait()
		require.Empty(t, r.nc.out.buf)

		for i := range 9 {
			r.say(reply(int32(i+1), ""))
		}
		require.Len(t, r.readAll(9), 9, "as many as were answered")
		synctest.Wait()
		require.Empty(t, r.nc.out.buf)
		for i := range 9 {
			r.say(reply(int32(i+10), ""))
		}
		require.Len(t, r.readAll(18), 18, "twice as many with each round trip")
		time.Sleep(2 * time.Second)
		r.say(reply(19, ""))
		synctest.Wait()
		require.Empty(t, r.nc.out.buf, "but what was answered long ago does not count")

		r.SetBounded(false)
		require.Len(t, r.readAll(100-8-9-18), 65)
		r.SetBounded(true)
		r.submit("held")
		synctest.Wait()
		require.Empty(t, r.nc.out.buf)
		_, unsent := r.end(errOver)
		require.Equal(t, []string{"held"}, unsent)
	})
}

// A credential without an answer is silence, also while pings are answered. Its answer
// is no sign that the session lives.
func TestSilence_OfACredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := started(t)
		auth := request("auth")
		auth.Xid = proto.XidAuth
		r.Submit(auth, false)
		r.readAll(1)
		time.Sleep(limit - time.Second)
		s, err := r.silence()
		require.NoError(t, err)
		require.Equal(t, 1.0, s)
		time.Sleep(time.Second)
		_, err = r.silence()
		require.ErrorIs(t, err, link.ErrSilent)
		heard := r.h.timesHeard()
		r.say(reply(proto.XidAuth, ""))
		synctest.Wait()
		require.Equal(t, []string{"auth "}, r.h.taken())
		require.Equal(t, heard, r.h.timesHeard())
		left, err := r.Silence(time.Now(), limit)
		require.NoError(t, err)
		require.Equal(t, time.Duration(math.MaxInt64), left)
		r.end(err)
	})
}
