package ensemble

import (
	"bytes"
	"time"
)

// A leader's PING to a follower is a packet of 20 bytes: the type 5, a zxid, and
// lengths of -1 for the data and for the credentials.
const pingSize = 20

var (
	pingHead = []byte{0, 0, 0, 5}
	pingTail = bytes.Repeat([]byte{0xff}, 8)
)

// hasPing reports whether b contains a PING. Other packets may precede and follow
// it.
func hasPing(b []byte) bool {
	for len(b) >= pingSize {
		i := bytes.Index(b, pingHead)
		if i < 0 || len(b) < i+pingSize {
			return false
		}
		if bytes.Equal(b[i+pingSize-len(pingTail):i+pingSize], pingTail) {
			return true
		}
		b = b[i+1:]
	}
	return false
}

func (p *Proxy) notePing(at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pinged = at
}

// LastPing returns when the leader sent its newest PING to a follower, or zero if
// it sent none. The time is that of the PING's arrival at the proxy between them.
// The proxy may still hold it.
func (e *localEnsemble) LastPing(leader, follower int) time.Time {
	l := e.peers.links[pair{follower, leader}]
	l.quorum.mu.Lock()
	defer l.quorum.mu.Unlock()
	return l.quorum.pinged
}
