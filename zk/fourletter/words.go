package fourletter

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Status is the answer to srvr.
type Status struct {
	Version string // "3.9.5"
	Build   string // the whole line of the version, with the commit and the time of the build
	Mode    string // "leader", "follower", "observer", "standalone" or "read-only"
	Zxid    int64  // the last one that the server has seen

	// Latencies of requests since the start or the last reset. The server measures
	// milliseconds, and the average may have fractions.
	MinLatency, AvgLatency, MaxLatency time.Duration

	Received    int64 // packets
	Sent        int64 // packets
	Connections int64
	Outstanding int64 // requests that wait
	Nodes       int64
}

// Srvr returns the state of the server. It is the one word that every server answers.
func (s Server) Srvr(ctx context.Context) (Status, error) {
	return asked(ctx, s, "srvr", func(answer string) (Status, error) {
		f := parse(answer, ": ")
		st := Status{
			Build: f.text("Zookeeper version"), Mode: f.text("Mode"), Zxid: f.hex("Zxid"),
			Received: f.number("Received"), Sent: f.number("Sent"), Connections: f.number("Connections"),
			Outstanding: f.number("Outstanding"), Nodes: f.number("Node count"),
		}
		st.Version, _, _ = strings.Cut(st.Build, "-")
		latencies := strings.Split(f.text("Latency min/avg/max"), "/")
		if len(latencies) != 3 {
			f.fault("latencies")
			return st, f.err
		}
		st.MinLatency, st.AvgLatency, st.MaxLatency = f.millis(latencies[0]), f.millis(latencies[1]), f.millis(latencies[2])
		return st, f.err
	})
}

// Ruok returns nil if the server says that it is running ("imok"). That does not mean that
// it has a quorum: see Srvr and Isro.
func (s Server) Ruok(ctx context.Context) error {
	_, err := asked(ctx, s, "ruok", func(answer string) (struct{}, error) {
		if strings.TrimSpace(answer) != "imok" {
			return struct{}{}, alien(answer, "it is not imok")
		}
		return struct{}{}, nil
	})
	return err
}

// Values are the answers that are lists of names and values, as the server sends them.
type Values map[string]string

// Int returns the value of a name as an integer, and reports whether it is one.
func (v Values) Int(name string) (int64, bool) {
	n, err := strconv.ParseInt(v[name], 10, 64)
	return n, err == nil
}

// Float returns the value of a name as a number, and reports whether it is one.
func (v Values) Float(name string) (float64, bool) {
	x, err := strconv.ParseFloat(v[name], 64)
	return x, err == nil
}

// Mntr returns the metrics of the server, such as zk_znode_count. Which there are depends
// on its version and configuration.
func (s Server) Mntr(ctx context.Context) (Values, error) {
	return asked(ctx, s, "mntr", func(answer string) (Values, error) { return values(answer, "\t", "zk_version") })
}

// Conf returns the configuration of the server: clientPort, tickTime, serverId. A member of
// an ensemble also has a line for each server (server.1) and the version of the
// configuration.
func (s Server) Conf(ctx context.Context) (Values, error) {
	return asked(ctx, s, "conf", func(answer string) (Values, error) { return values(answer, "=", "tickTime") })
}

// Envi returns the environment of the server: zookeeper.version, java.version, os.name.
func (s Server) Envi(ctx context.Context) (Values, error) {
	return asked(ctx, s, "envi", func(answer string) (Values, error) { return values(answer, "=", "zookeeper.version") })
}

// values parses an answer that must have a name.
func values(answer, separator, name string) (Values, error) {
	f := parse(answer, separator)
	f.text(name)
	return f.lines, f.err
}

// Watches is the answer to wchs.
type Watches struct {
	Connections int64 // that have watches
	Paths       int64 // that are watched
	Total       int64
}

// Wchs returns how many watches the clients of the server have.
func (s Server) Wchs(ctx context.Context) (Watches, error) {
	return asked(ctx, s, "wchs", func(answer string) (w Watches, err error) {
		_, err = fmt.Sscanf(answer, "%d connections watching %d paths\nTotal watches:%d", &w.Connections, &w.Paths, &w.Total)
		if err != nil {
			err = alien(answer, err.Error())
		}
		return w, err
	})
}

// Dirs is the answer to dirs: sizes in bytes.
type Dirs struct {
	Data int64 // of the snapshots
	Log  int64 // of the transaction log
}

// Dirs returns the sizes of the directories of the server. Servers have it from 3.5 on.
func (s Server) Dirs(ctx context.Context) (Dirs, error) {
	return asked(ctx, s, "dirs", func(answer string) (Dirs, error) {
		f := parse(answer, ": ")
		return Dirs{Data: f.number("datadir_size"), Log: f.number("logdir_size")}, f.err
	})
}

// Isro reports whether the server is read-only: it has no quorum, and serves clients that
// accept that.
func (s Server) Isro(ctx context.Context) (readOnly bool, err error) {
	return asked(ctx, s, "isro", func(answer string) (bool, error) {
		switch strings.TrimSpace(answer) {
		case "ro":
			return true, nil
		case "rw":
			return false, nil
		case "null":
			return false, ErrNotServing
		}
		return false, alien(answer, "it is neither rw nor ro")
	})
}

// Conn is a connection of a client to the server.
type Conn struct {
	Addr     string // of the client
	Queued   int64  // requests that wait
	Received int64  // packets
	Sent     int64  // packets

	// Of a connection with a session: zero without one.
	Session  int64         // logs show it as 0x and hexadecimal digits
	Timeout  time.Duration // of the session
	Since    time.Time     // when the connection was established, by the server's clock
	LastOp   string        // "PING", "GETD"
	LastZxid int64         // in the last reply; -1 if it had none

	// Fields has all fields as the server sends them, such as avglat.
	Fields Values
}

// Cons returns the connections of the server, also the one that asks.
func (s Server) Cons(ctx context.Context) ([]Conn, error) {
	return asked(ctx, s, "cons", func(answer string) ([]Conn, error) {
		var conns []Conn
		for line := range strings.Lines(answer) {
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			c, err := parseConn(line)
			if err != nil {
				return nil, err
			}
			conns = append(conns, c)
		}
		return conns, nil
	})
}

// parseConn parses a line of cons: "/127.0.0.1:4711[1](queued=0,recved=3,sent=3)".
func parseConn(line string) (Conn, error) {
	head, rest, ok := strings.Cut(line, "(")
	rest, closed := strings.CutSuffix(rest, ")")
	at := strings.LastIndexByte(head, '[')
	if !ok || !closed || at < 0 {
		return Conn{}, alien(line, "it is no connection")
	}
	f := parse(strings.ReplaceAll(rest, ",", "\n"), "=")
	_, addr, _ := strings.Cut(head[:at], "/") // a host name may stand before the slash
	c := Conn{Addr: addr, Fields: f.lines, Queued: f.number("queued"), Received: f.number("recved"), Sent: f.number("sent")}
	if _, session := f.lines["sid"]; session {
		c.Session = f.hex("sid")
		c.Timeout = time.Duration(f.number("to")) * time.Millisecond
		c.Since = time.UnixMilli(f.number("est"))
		c.LastOp = f.text("lop")
		c.LastZxid = f.hex("lzxid")
	}
	return c, f.err
}
