package zktest

import (
	"context"
	"testing"
	"time"

	"github.com/zookit/zookit/zk"
)

// clientTimeout bounds the Connect and the Close of Client.
const clientTimeout = time.Minute

// ClientConfig returns the configuration of a client of s. It connects in memory, to all
// members, asks for a session timeout of 6 s, and knows the level of Config.Version. With
// Config.TLS it trusts the certificates of the server, and shows none of its own.
func (s *Server) ClientConfig() zk.Config {
	levels := [...]zk.Compat{
		V3_9: zk.Compat3_9, V3_8: zk.Compat3_8, V3_7: zk.Compat3_7,
		V3_6: zk.Compat3_6, V3_5: zk.Compat3_5, V3_4: zk.Compat3_4,
	}
	return zk.Config{
		Servers: s.ConnectString(), DialContext: s.DialContext, TLS: s.cfg.clientTLS(),
		SessionTimeout: 6 * time.Second, Compat: levels[s.cfg.Version],
	}
}

// Client returns a connected client of s, which is closed at the end of the test. The
// functions of change see ClientConfig and may change it.
//
//	c := srv.Client(t)
//	below := srv.Client(t, func(cfg *zk.Config) { cfg.Servers += "/app" })
//
// Client ends the test if it cannot connect within a minute. At its end the test waits for
// Close, a minute at most, and fails if Close returns an error. Close waits for a server
// that can confirm the end of the session, so end the faults before. The test may close
// the client itself.
//
// In a testing/synctest bubble, call Client inside the bubble, with the server of the
// bubble.
func (s *Server) Client(tb testing.TB, change ...func(*zk.Config)) *zk.Client {
	tb.Helper()
	cfg := s.ClientConfig()
	for _, f := range change {
		f(&cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
	defer cancel()
	c, err := zk.Connect(ctx, cfg)
	if err != nil {
		tb.Fatalf("zktest: Client: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), clientTimeout)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			tb.Errorf("zktest: the end of Client: %v", err)
		}
	})
	return c
}
