package zk

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/zookit/zookit/zk/fourletter"
)

// ServerStats is the answer of a server to srvr.
type ServerStats struct {
	Server      string
	Sent        int64
	Received    int64
	NodeCount   int64
	MinLatency  int64 // milliseconds, as all latencies
	AvgLatency  float64
	MaxLatency  int64
	Connections int64
	Outstanding int64
	Epoch       int32 // of the last zxid
	Counter     int32 // of the last zxid
	BuildTime   time.Time
	Mode        Mode
	Version     string
	Error       error
}

// ServerClient is a connection to a server.
type ServerClient struct {
	Queued        int64
	Received      int64
	Sent          int64
	SessionID     int64
	Lcxid         int64
	Lzxid         int64
	Timeout       int32 // milliseconds, as all latencies
	LastLatency   int32
	MinLatency    int32
	AvgLatency    int32
	MaxLatency    int32
	Established   time.Time
	LastResponse  time.Time
	Addr          string
	LastOperation string
	Error         error
}

// ServerClients are the connections to a server, or why they are not known.
type ServerClients struct {
	Clients []*ServerClient
	Error   error
}

// asked asks each server at once, and returns the answers in the order of the servers.
func asked[R any](servers []string, timeout time.Duration, ask func(context.Context, fourletter.Server) R) []R {
	answers := make([]R, len(servers))
	var all sync.WaitGroup
	for i, addr := range FormatServers(servers) {
		all.Go(func() {
			answers[i] = ask(context.Background(), fourletter.Server{Addr: addr, Timeout: timeout})
		})
	}
	all.Wait()
	return answers
}

// FLWRuok asks each server whether it runs.
func FLWRuok(servers []string, timeout time.Duration) []bool {
	return asked(servers, timeout, func(ctx context.Context, s fourletter.Server) bool { return s.Ruok(ctx) == nil })
}

// FLWSrvr asks each server for its state. It returns false if one of them gave none: its
// Error says why.
func FLWSrvr(servers []string, timeout time.Duration) ([]*ServerStats, bool) {
	ok := true
	all := asked(servers, timeout, func(ctx context.Context, s fourletter.Server) *ServerStats {
		status, err := s.Srvr(ctx)
		if err != nil {
			return &ServerStats{Server: s.Addr, Error: err}
		}
		return statsOf(s.Addr, status)
	})
	for _, s := range all {
		ok = ok && s.Error == nil
	}
	return all, ok
}

func statsOf(server string, s fourletter.Status) *ServerStats {
	mode := ModeUnknown
	for m, name := range modeNames {
		if s.Mode == name {
			mode = m
		}
	}
	ms := float64(time.Millisecond)
	version, _, _ := strings.Cut(s.Build, ",") // with the commit
	return &ServerStats{
		Server: server, Sent: s.Sent, Received: s.Received, NodeCount: s.Nodes,
		MinLatency: s.MinLatency.Milliseconds(), AvgLatency: float64(s.AvgLatency) / ms, MaxLatency: s.MaxLatency.Milliseconds(),
		Connections: s.Connections, Outstanding: s.Outstanding,
		Epoch: int32(s.Zxid >> 32), Counter: int32(s.Zxid),
		BuildTime: builtAt(s.Build), Mode: mode, Version: version,
	}
}

// builtAt returns the time in the line of a server's version, "…, built on 2022-02-25
// 08:49 UTC". It is zero if there is none.
func builtAt(build string) time.Time {
	_, at, _ := strings.Cut(build, "built on ")
	for _, layout := range []string{"2006-01-02 15:04 MST", "01/02/2006 15:04 MST"} {
		if t, err := time.Parse(layout, strings.TrimSpace(at)); err == nil {
			return t
		}
	}
	return time.Time{}
}

// FLWCons asks each server for its connections. It returns false if one of them did not
// answer: its Error says why.
func FLWCons(servers []string, timeout time.Duration) ([]*ServerClients, bool) {
	ok := true
	all := asked(servers, timeout, func(ctx context.Context, s fourletter.Server) *ServerClients {
		conns, err := s.Cons(ctx)
		if err != nil {
			return &ServerClients{Error: err}
		}
		out := &ServerClients{}
		for _, c := range conns {
			out.Clients = append(out.Clients, clientOf(c))
		}
		return out
	})
	for _, s := range all {
		ok = ok && s.Error == nil
	}
	return all, ok
}

func clientOf(c fourletter.Conn) *ServerClient {
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(c.Fields[name], 0, 64) // some are in hexadecimal digits
		return n
	}
	out := &ServerClient{
		Queued: c.Queued, Received: c.Received, Sent: c.Sent,
		SessionID: c.Session, Lcxid: number("lcxid"), Lzxid: c.LastZxid,
		Timeout:     int32(c.Timeout.Milliseconds()),
		LastLatency: int32(number("llat")), MinLatency: int32(number("minlat")),
		AvgLatency: int32(number("avglat")), MaxLatency: int32(number("maxlat")),
		Established: c.Since, Addr: c.Addr, LastOperation: c.LastOp,
	}
	if at := number("lresp"); at != 0 {
		out.LastResponse = time.UnixMilli(at)
	}
	return out
}
