package zk

import (
	"context"
	"log/slog"
	"time"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/rarely"
)

// why is the field of a log line that names the reason, on one line.
func why(err error) slog.Attr { return slog.Any("why", oneline.Flat(err)) }

// cannotConnect logs that an attempt at a server has failed: the first one at once, and
// then less and less often. One that another line has reported is only counted.
func (l *loop) cannotConnect(server string, err error, reported bool) {
	if l.soon.Err() != nil {
		return // Close reports what it could not confirm
	}
	if !l.outage.More(time.Now()) || reported {
		l.core.log.Debug("zk: attempt failed", "server", server, why(err))
		return
	}
	if l.outage.Count == 1 {
		l.core.log.Warn("zk: cannot connect, trying on", "server", server, why(err))
		return
	}
	l.core.log.Warn("zk: still cannot connect", "tries", l.outage.Count, "for", l.outage.For(time.Now()),
		why(oneline.Join(l.servers.reasons()...)))
}

// connected logs that the client has a connection, and how long it could not connect
// before that.
func (l *loop) connected(cn *conn) {
	before := l.outage
	l.outage = rarely.Failures{}
	if !l.core.logs(slog.LevelInfo) {
		return
	}
	s := cn.sess
	args := []any{"server", cn.server, "session", s.label(), "timeout", s.Timeout()}
	if s.Resumed() > 0 {
		args = append(args, "resumed", s.Resumed())
	}
	if before.Count > 0 {
		args = append(args, "tries", before.Count+1, "for", before.For(time.Now()))
	}
	if s.readOnly {
		l.core.log.Warn("zk: connected to a read-only server, writes fail until one with quorum is found", args...)
		return
	}
	l.core.log.Info("zk: connected", args...)
}

// logDisconnected logs the end of a connection. The guards live on for what is left of
// the lease. A connection that the client has ended itself is no reason to warn.
func (c *core) logDisconnected(cn *conn, err error) {
	s, level, ending := cn.sess, slog.LevelWarn, c.ending != nil
	switch {
	case ending:
		level = slog.LevelDebug
	case moved(err):
		level = slog.LevelInfo
	}
	s.leaveEnded()
	guards := len(s.guards)
	lease := s.leaseLeft(clockNow())
	c.later(func() {
		if !c.logs(level) {
			return
		}
		args := []any{"server", cn.server, "session", s.label(), why(err)}
		if guards > 0 {
			args = append(args, "guards", guards, "lease", lease)
		}
		c.log.Log(context.Background(), level, "zk: disconnected", args...)
	})
}

// logExpired logs the end of a session that the client did not close. guards lived until
// then.
func (c *core) logExpired(s *Session, guards int, err error) {
	c.later(func() {
		c.log.Warn("zk: session is over, its ephemeral nodes are gone", "session", s.label(), "ended-guards", guards, why(err))
	})
}

// logClosed logs the end of the client.
func (c *core) logClosed(s *Session, err error) {
	detached := c.ending == ErrDetached
	c.later(func() {
		var args []any
		if s != nil {
			args = append(args, "session", s.label())
		}
		if err != nil {
			c.log.Warn("zk: closed, not everything is confirmed", append(args, why(err))...)
			return
		}
		if detached {
			c.log.Info("zk: closed, the session goes on in the client that resumes it", args...)
			return
		}
		c.log.Info("zk: closed", args...)
	})
}
