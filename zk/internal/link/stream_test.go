package link_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk/internal/link"
)

// However the bytes are cut, the frames are the same.
func TestLink_PartialFrames(t *testing.T) {
	var want []string
	var all []byte
	for i, size := range []int{0, 1, 100, 5000, 40_000, 3} {
		body := strings.Repeat(string(rune('a'+i)), size)
		all = append(all, reply(int32(i+1), body)...)
		all = append(all, event(body[:min(size, 900)])...)
		want = append(want, fmt.Sprint(i, " ", body), "event "+body[:min(size, 900)])
	}
	for _, chunk := range []int{1, 3, 4, 19, 20, 21, 1000, 16 << 10, len(all)} {
		synctest.Test(t, func(t *testing.T) {
			r := rigged(t, config())
			r.submit(numbered(6)...)
			r.Start()
			r.readAll(6)
			for b := all; len(b) > 0; {
				n := min(chunk, len(b))
				r.say(b[:n])
				synctest.Wait()
				b = b[n:]
			}
			require.Equal(t, want, r.h.taken())
			sent, _ := r.end(errOver)
			require.Empty(t, sent)
		})
	}
}

// A reply or an event over its limit is skipped and named. What follows is good.
func TestLink_TooLarge(t *testing.T) {
	for _, chunk := range []int{1000, 1 << 20} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.ReplyLimit, cfg.EventLimit = 2000, 4000
			r := rigged(t, cfg)
			r.submit(numbered(3)...)
			r.Start()
			r.readAll(3)
			large := strings.Repeat("x", 3000)
			for b := join(reply(1, "a"), reply(2, large), event(large), event(large+large), reply(3, "b")); len(b) > 0; {
				n := min(chunk, len(b))
				r.say(b[:n])
				synctest.Wait()
				b = b[n:]
			}
			require.Equal(t, []string{"0 a", "too large 1", "event " + large, "event too large", "2 b"}, r.h.taken())
			r.end(errOver)
		})
	}
}

// hostile is what a server may send that is not the protocol.
func hostile() map[string][]byte {
	out := map[string][]byte{
		"another xid":            reply(3, ""),
		"xid 0":                  reply(0, ""),
		"ping that was not sent": reply(proto.XidPing, ""),
		"auth that was not sent": reply(proto.XidAuth, ""),
		"restore, not sent":      reply(proto.XidSetWatches, ""),
		"noise":                  []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	}
	for _, n := range []uint32{0, 1, proto.ReplyHeaderLen - 1, math.MaxInt32, 1 << 31, math.MaxUint32, 1<<30 + 1} {
		out[fmt.Sprint("length ", n)] = []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n), 0, 0}
	}
	return out
}

// A frame before a bad one is good. What is behind it is handed back.
func TestLink_BadBytesEndIt(t *testing.T) {
	for name, bad := range hostile() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := started(t, request("a"), request("b"), request("c"))
				r.readAll(3)
				r.say(join(reply(1, "1"), event("e"), bad, reply(2, "2")))
				<-r.Ended()
				r.submit("d")
				sent, unsent := r.end(errOver)
				require.ErrorIs(t, r.Err(), link.ErrProtocol)
				require.Equal(t, []string{"a 1", "event e"}, r.h.taken())
				require.Equal(t, []string{"b", "c"}, sent)
				require.Equal(t, []string{"d"}, unsent)
			})
		})
	}
}

// A server that answers before it was asked gets nothing: the Handler is still
// at work on the request.
func TestLink_ReplyBeforeItsRequestIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config(), request("a"))
		goOn := make(chan struct{})
		r.h.sending = func(batch []*link.Request) []*link.Request {
			<-goOn
			return batch
		}
		r.Start()
		synctest.Wait()
		r.say(reply(1, ""))
		<-r.Ended()
		require.ErrorIs(t, r.Err(), link.ErrProtocol)
		close(goOn)
		sent, _ := r.end(errOver)
		require.Equal(t, []string{"a"}, sent)
		require.Empty(t, r.h.taken())
	})
}

// The end of the stream in the middle of a frame is an end like any other.
func TestLink_StreamThatEndsWithinAFrame(t *testing.T) {
	for _, n := range []int{0, 1, 4, 19} {
		synctest.Test(t, func(t *testing.T) {
			r := started(t, request("a"))
			r.readAll(1)
			r.say(reply(1, "body")[:n])
			r.nc.in.close()
			<-r.Ended()
			sent, _ := r.end(errOver)
			require.Equal(t, []string{"a"}, sent)
		})
	}
}

// Memory grows with what has arrived, not with what is announced.
func TestLink_AnnouncedSizesCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.ReplyLimit = math.MaxInt32
		r := rigged(t, cfg, request("a"))
		r.Start()
		r.readAll(1)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r.say([]byte{0x40, 0, 0, 0}, make([]byte, 100))
		synctest.Wait()
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
		r.end(errOver)
	})
}
