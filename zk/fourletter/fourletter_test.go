package fourletter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/fourletter"
	"github.com/zookit/zookit/zktest"
)

// words asks for each word and returns the errors.
func words(ctx context.Context, s fourletter.Server) map[string]error {
	errs := map[string]error{"ruok": s.Ruok(ctx)}
	_, errs["srvr"] = s.Srvr(ctx)
	_, errs["mntr"] = s.Mntr(ctx)
	_, errs["cons"] = s.Cons(ctx)
	_, errs["wchs"] = s.Wchs(ctx)
	_, errs["dirs"] = s.Dirs(ctx)
	_, errs["isro"] = s.Isro(ctx)
	_, errs["conf"] = s.Conf(ctx)
	_, errs["envi"] = s.Envi(ctx)
	return errs
}

// The members of an embedded ensemble say what they are.
func TestServer_OfAnEmbeddedEnsemble(t *testing.T) {
	clienttest.Bubble(t, 3, func(t *testing.T, srv *zktest.Server) {
		ctx := clienttest.InTime(t)
		c := clienttest.Connect(t, srv)
		_, err := c.Create(ctx, "/n", nil, zk.Persistent)
		require.NoError(t, err)
		modes := map[string]int{}
		for _, addr := range strings.Split(srv.ConnectString(), ",") {
			s := fourletter.Server{Addr: addr, DialContext: srv.DialContext}
			for word, err := range words(ctx, s) {
				require.NoError(t, err, word)
			}
			status, err := s.Srvr(ctx)
			require.NoError(t, err)
			modes[status.Mode]++
			require.Equal(t, srv.Zxid(), status.Zxid)
			conns, err := s.Cons(ctx)
			require.NoError(t, err)
			for _, conn := range conns {
				if conn.Session != 0 {
					require.Equal(t, c.Session().ID(), conn.Session)
					modes["with our session"]++
				}
			}
		}
		require.Equal(t, map[string]int{"leader": 1, "follower": 2, "with our session": 1}, modes)

		srv.ReadOnly(0, true)
		readOnly, err := fourletter.Server{Addr: "zk1:2181", DialContext: srv.DialContext}.Isro(ctx)
		require.NoError(t, err)
		require.True(t, readOnly)
		srv.ReadOnly(0, false)
	})
}

func TestServer_WordsThatAreNotListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{FourLetterWords: []string{"srvr"}})
		s := fourletter.Server{Addr: srv.ConnectString(), DialContext: srv.DialContext}
		for word, err := range words(t.Context(), s) {
			if word == "srvr" {
				require.NoError(t, err)
				continue
			}
			require.ErrorIs(t, err, fourletter.ErrNotListed, word)
			failed, ok := errors.AsType[*fourletter.Error](err)
			require.True(t, ok)
			require.Equal(t, srv.ConnectString(), failed.Addr)
			require.Equal(t, word, failed.Word)
		}
	})
}

// A server that does not answer is given up after the timeout, or with the context.
func TestServer_Silent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		srv.Silence(0, true)
		s := fourletter.Server{Addr: srv.ConnectString(), DialContext: srv.DialContext}
		for limit, want := range map[time.Duration]time.Duration{0: 5 * time.Second, time.Second: time.Second} {
			s.Timeout = limit
			start := time.Now()
			_, err := s.Srvr(t.Context())
			require.ErrorIs(t, err, fourletter.ErrSilent)
			require.Equal(t, want, time.Since(start))
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("no time"))
		defer cancel()
		_, err := s.Srvr(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "no time")
		require.NotErrorIs(t, err, fourletter.ErrSilent)
		srv.Silence(0, false)
		srv.Down(0, true)
		_, err = s.Srvr(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	})
}

// answering returns a server that answers any word with the text, and then closes the
// connection.
func answering(text string) fourletter.Server {
	return fourletter.Server{Addr: "h:1", DialContext: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			if _, err := io.ReadFull(server, make([]byte, 4)); err == nil {
				_, _ = io.WriteString(server, text) // the client may have closed it
			}
		}()
		return client, nil
	}}
}

func TestServer_AnswersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		want   error
		text   string
	}{
		"nothing":     {"", fourletter.ErrNoAnswer, "TLS"},
		"HTTP":        {"HTTP/1.1 400 Bad Request\r\n\r\n", fourletter.ErrNotZooKeeper, "it is HTTP"},
		"SSH":         {"SSH-2.0-OpenSSH_9.6\r\n", fourletter.ErrNotZooKeeper, "it is SSH"},
		"TLS":         {"\x15\x03\x01\x00\x02\x02\x46", fourletter.ErrNotZooKeeper, "set Server.TLS"},
		"garbage":     {strings.Repeat("\xff", 1000), fourletter.ErrNotZooKeeper, ""},
		"not serving": {"This ZooKeeper instance is not currently serving requests\n", fourletter.ErrNotServing, "quorum"},
	} {
		t.Run(name, func(t *testing.T) {
			for word, err := range words(t.Context(), answering(c.answer)) {
				require.ErrorIs(t, err, c.want, word)
				require.ErrorContains(t, err, c.text, word)
				require.ErrorContains(t, err, word+" to h:1", word)
				require.Less(t, len(err.Error()), 400)
			}
		})
	}
	_, err := answering("null").Isro(t.Context())
	require.ErrorIs(t, err, fourletter.ErrNotServing)
	for _, word := range []string{"", "abc", "abcde", "ABCD", "ab\nd"} {
		_, err := answering("x").Ask(t.Context(), word)
		require.ErrorIs(t, err, zk.ErrBadArguments, word)
	}
}

// An answer without an end is cut off.
func TestServer_TooLarge(t *testing.T) {
	s := answering(strings.Repeat("x", 1001))
	s.MaxAnswer = 1000
	_, err := s.Ask(t.Context(), "mntr")
	require.ErrorIs(t, err, fourletter.ErrTooLarge)
	s.MaxAnswer = 1001
	answer, err := s.Ask(t.Context(), "mntr")
	require.NoError(t, err)
	require.Len(t, answer, 1001)
}

// The answers of servers 3.8.0 and 3.9.5, as they were sent.
func TestServer_ParsesWhatServersSend(t *testing.T) {
	ctx := t.Context()
	status, err := answering("Zookeeper version: 3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC\n" +
		"Latency min/avg/max: 1/14.3333/39\nReceived: 5\nSent: 4\nConnections: 2\nOutstanding: 3\nZxid: 0x100000001\nMode: leader\n" +
		"Node count: 6\nProposal sizes last/min/max: 48/48/48\n").Srvr(ctx)
	require.NoError(t, err)
	require.Equal(t, fourletter.Status{
		Version: "3.9.5", Build: "3.9.5-293c895a8d966a3ecb92872be4a1daf87d725da2, built on 2026-02-11 20:18 UTC",
		Mode: "leader", Zxid: 0x100000001, MinLatency: time.Millisecond, AvgLatency: 14333300 * time.Nanosecond,
		MaxLatency: 39 * time.Millisecond, Received: 5, Sent: 4, Connections: 2, Outstanding: 3, Nodes: 6,
	}, status)

	conns, err := answering(" /127.0.0.1:40934[0](queued=0,recved=1,sent=0)\n" +
		" /[0:0:0:0:0:0:0:1]:40898[1](queued=2,recved=3,sent=3,sid=0xffff2379e830000,lop=ADDW,est=1795918502731,to=4000,lcxid=0x2," +
		"lzxid=0xffffffffffffffff,lresp=37199828,llat=1,minlat=0,avglat=3,maxlat=5)\n\n").Cons(ctx)
	require.NoError(t, err)
	require.Len(t, conns, 2)
	require.Equal(t, "127.0.0.1:40934", conns[0].Addr)
	require.Zero(t, conns[0].Session)
	ours := conns[1]
	require.Equal(t, "[0:0:0:0:0:0:0:1]:40898", ours.Addr)
	require.Equal(t, int64(0xffff2379e830000), ours.Session)
	require.EqualValues(t, -1, ours.LastZxid)
	require.Equal(t, 4*time.Second, ours.Timeout)
	require.Equal(t, "ADDW", ours.LastOp)
	require.EqualValues(t, 2, ours.Queued)
	require.Equal(t, time.UnixMilli(1795918502731), ours.Since)
	require.Equal(t, "3", ours.Fields["avglat"])

	conf, err := answering("clientPort=46379\ntickTime=200\nserverId=1\nmembership: \nserver.1=127.0.0.1:1:2:participant;127.0.0.1:3\nversion=0").Conf(ctx)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:1:2:participant;127.0.0.1:3", conf["server.1"])
	require.Equal(t, "0", conf["version"])
}

// Whatever a server answers, nothing panics, and an error is short.
func FuzzServer_Answers(f *testing.F) {
	for _, answer := range []string{"", "imok", "rw", " /1[0](queued=0", "a\tb\n", "Latency min/avg/max: //", "1 connections watching 2 paths\n"} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		for word, err := range words(t.Context(), answering(string(bytes.Clone(answer)))) {
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("%s: %d bytes of error", word, len(err.Error()))
			}
		}
	})
}
