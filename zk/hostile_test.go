package zk_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/zk"
)

// Servers that send bytes that are not the protocol. The connection ends with
// ErrProtocol. Requests in flight end with OutcomeUnknown, or are read again. The
// client goes on with the next connection.

// hostile is sent by a server instead of the reply to a request.
type hostile struct {
	name string
	raw  func(q asked) []byte
	// own: the bad bytes are in the request's own reply, so that it has an answer
	// and is not read again.
	own bool
}

func raw(b ...byte) func(asked) []byte { return func(asked) []byte { return b } }

func length(n uint32, rest ...byte) func(asked) []byte {
	return raw(append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, rest...)...)
}

// badFrames are wrong as the reply to any request.
func badFrames() []hostile {
	var out []hostile
	for n := range uint32(proto.ReplyHeaderLen) {
		out = append(out, hostile{name: fmt.Sprint("length ", n), raw: length(n, make([]byte, n)...)})
	}
	for name, n := range map[string]uint32{"-1": math.MaxUint32, "min int32": 1 << 31, "max int32": math.MaxInt32, "over 1 GiB": 1<<30 + 1} {
		out = append(out, hostile{name: "length " + name, raw: length(n, make([]byte, 100)...)})
	}
	to := func(xid int32) func(asked) []byte {
		return func(asked) []byte { return replyTo(xid, 10, proto.OK, nil) }
	}
	return append(out,
		hostile{name: "reply to no request", raw: to(99)},
		hostile{name: "reply to xid 0", raw: to(0)},
		hostile{name: "ping that was not sent", raw: to(proto.XidPing)},
		hostile{name: "auth that was not sent", raw: to(proto.XidAuth)},
		hostile{name: "restore that was not sent", raw: to(proto.XidSetWatches)},
		hostile{name: "xid of no kind", raw: to(-77)},
		hostile{name: "event without a body", raw: to(proto.XidWatchEvent)},
		hostile{name: "event cut short", raw: func(asked) []byte {
			return replyTo(proto.XidWatchEvent, -1, proto.OK, []byte{0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 9, '/'})
		}},
		hostile{name: "event with a tail", raw: func(asked) []byte {
			return replyTo(proto.XidWatchEvent, -1, proto.OK, append(serverproto.AppendWatchEvent(nil, proto.WatchEvent{Type: 1, Path: "/n"}), 0))
		}},
		hostile{name: "event with a negative length", raw: func(asked) []byte {
			return replyTo(proto.XidWatchEvent, -1, proto.OK, []byte{0, 0, 0, 1, 0, 0, 0, 3, 0xff, 0xff, 0xff, 0xf0})
		}},
		hostile{name: "noise", raw: raw([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")...)},
	)
}

// badBodies are wrong as an answer to a get, or to any request with a body.
func badBodies() []hostile {
	with := func(body ...byte) func(asked) []byte {
		return func(q asked) []byte { return replyTo(q.Xid, 10, proto.OK, body) }
	}
	count := func(n uint32) func(asked) []byte {
		return with(append([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, make([]byte, 10)...)...)
	}
	return []hostile{
		{"no body", with(), true},
		{"half a body", func(q asked) []byte {
			b := good(q)
			return frame(b[proto.FrameHeader : proto.FrameHeader+proto.ReplyHeaderLen+(len(b)-proto.FrameHeader-proto.ReplyHeaderLen)/2])
		}, true},
		{"a tail", func(q asked) []byte { return frame(append(good(q)[proto.FrameHeader:], 0)) }, true},
		{"an error with a body", func(q asked) []byte { return replyTo(q.Xid, 10, proto.NoNode, make([]byte, 4)) }, true},
		{"count -2", count(math.MaxUint32 - 1), true},
		{"count 2^31-1", count(math.MaxInt32), true},
		{"count 2^30", count(1 << 30), true},
	}
}

// failures: 37, 38
func TestHostile_BadBytesEndTheConnectionAndNothingElse(t *testing.T) {
	requests := map[string]func(*testing.T, *zk.Client) error{
		"get":      func(t *testing.T, c *zk.Client) error { _, err := c.Get(inTime(t), "/n"); return err },
		"getW":     func(t *testing.T, c *zk.Client) error { _, _, err := c.GetW(inTime(t), "/n"); return err },
		"children": func(t *testing.T, c *zk.Client) error { _, _, err := c.Children(inTime(t), "/n"); return err },
		"getACL":   func(t *testing.T, c *zk.Client) error { _, _, err := c.GetACL(inTime(t), "/n"); return err },
		"exists":   func(t *testing.T, c *zk.Client) error { _, _, err := c.Exists(inTime(t), "/n"); return err },
		"create": func(t *testing.T, c *zk.Client) error {
			_, err := c.Create(inTime(t), "/n", nil, zk.Persistent)
			return err
		},
		"set": func(t *testing.T, c *zk.Client) error { _, err := c.Set(inTime(t), "/n", nil, 0); return err },
		"multi": func(t *testing.T, c *zk.Client) error {
			_, err := c.Multi(inTime(t), zk.CheckOp("/n", 0))
			return err
		},
	}
	isRead := func(name string) bool { return name != "create" && name != "set" && name != "multi" }
	for _, h := range append(badFrames(), badBodies()...) {
		for name, run := range requests {
			t.Run(h.name+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &script{play: []func(*scripted){
						func(c *scripted) { c.serve(h.raw) },
						honest,
					}}
					c := s.client(t, func(cfg *zk.Config) { cfg.MaxReplySize = 4 << 10 })
					err := run(t, c)
					switch {
					case isRead(name) && !h.own:
						require.NoError(t, err, "read again on the next connection")
					default:
						require.ErrorIs(t, err, zk.ErrConnectionLoss)
						require.ErrorIs(t, err, zk.ErrProtocol)
						require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
					}
					require.NoError(t, run(t, c), "the client continues")
					require.Equal(t, 2, s.dials)
				})
			})
		}
	}
}

// A good frame counts even if the next one is bad. Requests that were answered
// before the bad bytes have their answers, those behind them have none.
func TestHostile_OnlyWhatIsBehindTheBadBytesIsLost(t *testing.T) {
	for _, h := range badFrames() {
		t.Run(h.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{play: []func(*scripted){
					func(c *scripted) {
						first, bad, last := <-c.requests, <-c.requests, <-c.requests
						_ = c.say(append(append(good(first), h.raw(bad)...), good(last)...))
						c.drain()
					},
					honest,
				}}
				c := s.client(t, func(cfg *zk.Config) { cfg.MaxReplySize = 4 << 10 })
				ctx := inTime(t)
				a := c.Pipeline().Set(ctx, "/n", nil, 0)
				b, d := c.Pipeline().Set(ctx, "/n", nil, 0), c.Pipeline().Set(ctx, "/n", nil, 0)
				_, err := a.Wait(ctx)
				require.NoError(t, err)
				for _, f := range []*zk.Future[zk.Stat]{b, d} {
					_, err := f.Wait(ctx)
					require.Equal(t, zk.OutcomeUnknown, zk.OutcomeOf(err))
					require.ErrorIs(t, err, zk.ErrProtocol)
				}
				require.NoError(t, c.Sync(ctx, "/"))
			})
		})
	}
}

// failures: 38: null is not empty, and neither is an error.
func TestHostile_NullIsAValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		null := []byte{0xff, 0xff, 0xff, 0xff}
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte { return replyTo(q.Xid, 10, proto.OK, serverproto.AppendStat(null, aStat)) })
		}}}
		c := s.client(t)
		ctx := inTime(t)
		n, err := c.Get(ctx, "/n")
		require.NoError(t, err)
		require.Nil(t, n.Data)
		require.EqualValues(t, 6, n.Stat.Mzxid)
		names, st, err := c.Children(ctx, "/n")
		require.NoError(t, err)
		require.Empty(t, names)
		require.EqualValues(t, 6, st.Mzxid)
		acl, _, err := c.GetACL(ctx, "/n")
		require.NoError(t, err)
		require.Empty(t, acl)
	})
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte {
				return replyTo(q.Xid, 10, proto.OK, serverproto.AppendStat([]byte{0, 0, 0, 0}, aStat))
			})
		}}}
		n, err := s.client(t).Get(inTime(t), "/n")
		require.NoError(t, err)
		require.NotNil(t, n.Data)
		require.Empty(t, n.Data)
	})
}

// failures: 37, 38: memory grows with the bytes that have arrived, not with the size
// that a frame announces.
func TestHostile_AnnouncedSizesCostNothing(t *testing.T) {
	for name, answer := range map[string]func(asked) []byte{
		"frame of 1 GiB":  length(1<<30, make([]byte, 100)...),
		"frame of 16 MiB": length(16<<20, make([]byte, 100)...),
		"vector of 2^30": func(q asked) []byte {
			return replyTo(q.Xid, 10, proto.OK, append([]byte{0x40, 0, 0, 0}, make([]byte, 1000)...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{play: []func(*scripted){func(c *scripted) { c.serve(answer) }}}
				c := s.client(t)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				f := c.Pipeline().Children(t.Context(), "/n")
				time.Sleep(10 * time.Second) // the rest never comes
				_, err := f.Wait(inTime(t))
				require.Error(t, err)
				runtime.ReadMemStats(&after)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4<<20))
			})
		})
	}
}

// Events that are well formed but make no sense are ignored, or delivered as they
// are. They break nothing.
func TestHostile_UnexpectedEventsAreHarmless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{play: []func(*scripted){func(c *scripted) {
			c.serve(func(q asked) []byte {
				if q.Op != proto.OpSync {
					return nil
				}
				var b []byte
				for _, path := range []string{"", "/", "x", "//", "/n/", "no/slash", "/\x00", "/never/watched", "\xff\xfe"} {
					for _, typ := range []proto.EventType{-1, 0, 1, 2, 3, 4, 5, 6, 7, 99, math.MinInt32} {
						b = append(b, event(math.MaxInt64, typ, path)...)
					}
				}
				return append(b, good(q)...)
			})
		}}}
		c := s.client(t)
		sub := subscribe(t, c, "/n", zk.Recursive())
		root := subscribe(t, c, "/", zk.Recursive())
		_, w, err := c.GetW(inTime(t), "/w")
		require.NoError(t, err)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.False(t, w.Fired())
		require.NoError(t, w.Err())
		for _, got := range append(waiting(t, sub), waiting(t, root)...) {
			require.NotContains(t, got, "unknown")
		}
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.Equal(t, 1, s.dials)
	})
}

// An event for a path of millions of levels costs no more than its bytes.
func TestHostile_DeepPathIsNotClimbedForLong(t *testing.T) {
	deep := event(-1, proto.EventCreated, strings.Repeat("/a", 4<<20))
	s := &script{play: []func(*scripted){func(c *scripted) {
		c.serve(func(q asked) []byte {
			if q.Op != proto.OpSync {
				return nil
			}
			return append(deep, good(q)...)
		})
	}}}
	c := s.client(t)
	sub := subscribe(t, c, "/a", zk.Recursive())
	start := time.Now()
	require.NoError(t, c.Sync(inTime(t), "/"))
	require.Len(t, next(t, sub, 1), 1)
	require.Less(t, time.Since(start), 5*time.Second)
	require.NoError(t, sub.Close())
}

// failures: 23: neither the zxid of an event nor that of a lost reply counts as seen
// by the client. The replay of a gap begins with the newest reply.
func TestHostile_EventsDoNotMoveTheZxid(t *testing.T) {
	for _, zxid := range []int64{-1, 500, math.MaxInt64} {
		synctest.Test(t, func(t *testing.T) {
			seen := make(chan int64, 2)
			s := &script{play: []func(*scripted){
				func(c *scripted) { // a multi touched /a and /b; the event of /b is cut off
					c.serve(func(q asked) []byte {
						if q.Op == proto.OpSync {
							c.nc.Close()
						} else if proto.NewReader(q.body).String() == "/b" {
							return append(good(q), event(zxid, proto.EventDataChanged, "/a")...)
						}
						return nil
					})
				},
				func(c *scripted) {
					seen <- c.hello.LastZxidSeen
					c.serve(func(q asked) []byte {
						if q.Op != proto.OpSetWatches {
							return nil
						}
						set := serverproto.DecodeSetWatches(proto.NewReader(q.body), q.Op)
						seen <- set.RelativeZxid
						return append(event(zxid, proto.EventDataChanged, set.Data[0]), replyTo(q.Xid, 10, proto.OK, nil)...)
					})
				},
			}}
			c := s.client(t)
			_, a, err := c.GetW(inTime(t), "/a")
			require.NoError(t, err)
			_, b, err := c.GetW(inTime(t), "/b")
			require.NoError(t, err)
			require.Equal(t, zk.EventDataChanged, fires(t, a))
			require.NoError(t, c.Sync(inTime(t), "/"))
			require.Equal(t, zk.EventDataChanged, fires(t, b))
			require.EqualValues(t, 10, <-seen)
			require.EqualValues(t, 10, <-seen)
			ev, err := a.Wait(inTime(t))
			require.NoError(t, err)
			require.Equal(t, max(0, zxid), ev.Zxid, "from 3.9 on the event has its own")
		})
	}
}
