package link

import (
	"fmt"
	"math"
	"time"
)

// minReplyRate is how many bytes of a reply must arrive each second. A modem is
// faster. A reply that comes in more slowly ends the link, because it delays all
// replies behind it, also those to heartbeats.
const minReplyRate = 1 << 10

// Ping sends a ping if the link has written nothing for the duration after. It
// returns the time until the next ping may be due.
//
// It sends a ping also while earlier pings are unanswered. Their answers may be
// behind replies that take longer than a session timeout to arrive.
func (l *Link) Ping(now time.Time, after time.Duration) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if left := l.lastWrite.Add(after).Sub(now); left > 0 {
		return left
	}
	l.pingDue = true
	l.takeToken(false)
	return after
}

// Silence returns how much longer the server may take for its next reply. limit is
// the longest time that it may take for one. The error says why the link must end
// now.
func (l *Link) Silence(now time.Time, limit time.Duration) (left time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, prompt := l.oldest()
	if at.IsZero() {
		return math.MaxInt64, nil
	}
	since := at
	if !prompt && l.lastReply.After(at) {
		since = l.lastReply // a long reply is still coming in
	}
	left = since.Add(limit).Sub(now)
	if left > 0 {
		return left, nil
	}
	if l.lastBytes.After(at) && now.Sub(l.lastBytes) < limit {
		if head := l.sent.head(); head != nil {
			head.Cuts++
		}
		return 0, fmt.Errorf("%w: %w: less than %d bytes a second, the request was sent %v ago",
			ErrSilent, ErrSlowReply, minReplyRate, now.Sub(at).Round(time.Millisecond))
	}
	return 0, fmt.Errorf("%w for %v", ErrSilent, now.Sub(at).Round(time.Millisecond))
}

// oldest returns the send time of the oldest unanswered request, and whether that
// request is Prompt. The time is zero if there is none.
func (l *Link) oldest() (at time.Time, prompt bool) {
	if head := l.sent.head(); head != nil {
		at, prompt = head.SentAt, head.Prompt
	}
	older := func(r *Request) bool { return at.IsZero() || r.SentAt.Before(at) }
	if len(l.pings) > 0 && older(l.pings[0]) {
		at, prompt = l.pings[0].SentAt, false
	}
	if auth := l.auths.head(); auth != nil && older(auth) {
		at, prompt = auth.SentAt, false
	}
	return at, prompt
}

// arrived records bytes of a reply that is not whole yet. They move lastReply
// forward by one second for each minReplyRate bytes, but not beyond now. It returns
// true if lastReply reaches now: then the reply comes in fast enough.
func (l *Link) arrived(now time.Time, bytes int) bool {
	from := l.lastReply
	if at, _ := l.oldest(); at.After(from) {
		from = at
	}
	l.lastBytes = now
	l.lastReply = from.Add(time.Duration(bytes) * time.Second / minReplyRate)
	if l.lastReply.Before(now) {
		return false
	}
	l.lastReply = now
	return true
}
