package link

import (
	"fmt"
	"math"
	"time"
)

// minReplyRate is how many bytes of a reply must arrive each second, or the link
// ends. A modem is faster. A reply that comes in more slowly delays everything
// behind it, heartbeats too.
const minReplyRate = 1 << 10

// Ping sends a ping if nothing was written for the time after. It returns how long
// it is until the next one may be due.
//
// It sends one also while others are unanswered. Their answers may stand behind
// replies that take longer than a session timeout to arrive.
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

// Silence returns how long the server may go on without an answer, if limit is
// the longest time that it may take. The error says why the link must end now.
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

// oldest returns when the request was sent that has waited longest, and whether
// it is Prompt. The time is zero if nothing is unanswered.
func (l *Link) oldest() (at time.Time, prompt bool) {
	if head := l.sent.head(); head != nil {
		at, prompt = head.SentAt, head.Prompt
	}
	if len(l.pings) > 0 && (at.IsZero() || l.pings[0].SentAt.Before(at)) {
		return l.pings[0].SentAt, false
	}
	return at, prompt
}

// arrived notes bytes of a reply that is not whole yet. They move lastReply on: a
// second for each minReplyRate of them, but not beyond now. It returns true if
// they reach now, so that the reply comes in fast enough.
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
