package zk_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zk"
)

// Servers that answer that the session has moved or expired, and keep the
// connection open.

// refusing answers every request but pings with code, and counts them.
func refusing(code proto.ErrCode, count *int) func(*scripted) {
	return func(c *scripted) {
		c.serve(func(q asked) []byte {
			if q.Op == proto.OpPing {
				return nil
			}
			*count++
			return replyTo(q.Xid, 10, code, nil)
		})
	}
}

func TestConn_ClosesWhenItsServerDoesNotHaveTheSession(t *testing.T) {
	for _, code := range []proto.ErrCode{proto.SessionMoved, proto.SessionExpired} {
		t.Run(zk.Code(code).Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := 0
				s := &script{play: []func(*scripted){refusing(code, &refused), refusing(code, &refused), honest}}
				c := s.client(t)
				session := c.Session()
				_, err := c.Get(inTime(t), "/n")
				require.NoError(t, err, "a read is repeated on the server that has the session")
				require.Equal(t, 2, refused, "each of the two refused once")
				require.Same(t, session, c.Session(), "the handshake has resumed it")
				require.NoError(t, session.Context().Err())
			})
		})
	}
}

// The client does not repeat a write. If the caller repeats it, the write goes to
// the next connection, whose handshake shows whether the session is over.
func TestConn_ClosesBeforeTheCallerOfARefusedWriteReturns(t *testing.T) {
	for code, outcome := range map[proto.ErrCode]zk.Outcome{
		proto.SessionMoved:   zk.OutcomeUnknown,
		proto.SessionExpired: zk.OutcomeRejected,
	} {
		t.Run(zk.Code(code).Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				refused := 0
				s := &script{play: []func(*scripted){refusing(code, &refused), honest}}
				c := s.client(t)
				_, err := c.Set(inTime(t), "/n", nil, zk.AnyVersion)
				require.ErrorIs(t, err, zk.Code(code))
				require.Equal(t, outcome, zk.OutcomeOf(err))
				_, err = c.Set(inTime(t), "/n", nil, zk.AnyVersion)
				require.NoError(t, err)
				require.Equal(t, 1, refused)
			})
		})
	}
}

// A restore that is refused with such a code is repeated on the next connection:
// no watch is lost.
func TestRestore_IsRepeatedWhenTheServerDoesNotHaveTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := 0
		s := &script{play: []func(*scripted){
			func(c *scripted) {
				_ = c.say(good(<-c.requests))
			},
			refusing(proto.SessionMoved, &refused),
			func(c *scripted) {
				c.serve(func(q asked) []byte {
					if q.Op != proto.OpSetWatches {
						return nil
					}
					return append(replyTo(q.Xid, 50, proto.OK, nil), event(50, proto.EventDataChanged, "/n")...)
				})
			},
		}}
		c := s.client(t)
		_, w, err := c.GetW(inTime(t), "/n")
		require.NoError(t, err)
		require.Equal(t, zk.EventDataChanged, fires(t, w))
		require.Equal(t, 1, refused)
	})
}
