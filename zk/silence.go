package zk

import (
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// minReplyRate is how many bytes of a reply must arrive a second, or the
// connection is left. A modem is faster. A reply that comes in more slowly keeps
// everything behind it waiting, heartbeats too.
const minReplyRate = 1 << 10

// maxCuts is how often a read may lose its connection because its reply came in
// too slowly. Then the read fails: another server would be no faster.
const maxCuts = 2

// arrived notes bytes of a reply that is not whole yet. They buy time: a second
// for each minReplyRate of them, but none beyond now. The caller holds c.mu.
func (cn *conn) arrived(now time.Time, bytes int) {
	from := cn.lastReply
	if at, _ := cn.oldest(); at.After(from) {
		from = at
	}
	cn.lastBytes = now
	cn.lastReply = from.Add(time.Duration(bytes) * time.Second / minReplyRate)
	if !cn.lastReply.Before(now) {
		cn.lastReply = now
		cn.sess.heard(now)
	}
}

// oldest returns when the request that has waited longest was sent, and whether
// it is a sync. The caller holds c.mu.
func (cn *conn) oldest() (at time.Time, sync bool) {
	if head := cn.sent.head; head != nil {
		at, sync = head.sentAt, head.op == proto.OpSync
	}
	if len(cn.pings) > 0 && (at.IsZero() || cn.pings[0].Before(at)) {
		return cn.pings[0], false
	}
	return at, sync
}

// patience returns how long the connection may still be without an answer. An
// error says why it must end now. The caller holds c.mu.
func (cn *conn) patience(now time.Time) (time.Duration, error) {
	t := cn.sess.timing
	left := cn.sess.expiryTime().Sub(now)
	if left <= 0 {
		// The session loop finds the same, and gives the session up.
		return 0, fmt.Errorf("%w: no answer for %v", ErrSessionExpired, cn.sess.patience())
	}
	at, sync := cn.oldest()
	if at.IsZero() {
		return left, nil
	}
	limit := at
	if !sync && cn.lastReply.After(at) {
		limit = cn.lastReply // a long reply is still coming in
	}
	limit = limit.Add(t.silence)
	switch {
	case now.Before(limit):
		return min(left, limit.Sub(now)), nil
	case cn.lastBytes.After(at) && now.Sub(cn.lastBytes) < t.silence:
		if head := cn.sent.head; head != nil {
			head.cuts++
		}
		return 0, fmt.Errorf("%w: %w: less than %d bytes a second, the request was sent %v ago",
			ErrSilent, ErrSlowReply, minReplyRate, now.Sub(at).Round(time.Millisecond))
	}
	return 0, fmt.Errorf("%w for %v", ErrSilent, now.Sub(at).Round(time.Millisecond))
}
