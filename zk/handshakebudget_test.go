package zk_test

import (
	"context"
	"io"
	"math"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// With a single server a lost answer to a handshake does not cost the session:
// there is time for another attempt.
func TestSession_SurvivesALostHandshakeOfTheOnlyServer(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := connect(t, srv)
		id := c.Session().ID()
		made, err := c.Create(t.Context(), "/e", nil, zk.Ephemeral)
		require.NoError(t, err)
		time.Sleep(10 * time.Second)
		lose := true
		srv.OnConnect(func(zktest.Connect) zktest.Verdict {
			if lose {
				lose = false
				return zktest.Hang
			}
			return zktest.Pass
		})
		start := time.Now()
		srv.CutConnections(1)
		require.NoError(t, c.Sync(inTime(t), "/"))
		require.LessOrEqual(t, time.Since(start), 6*time.Second*4/10)
		require.Equal(t, id, c.Session().ID())
		require.Equal(t, id, srv.Owner(made.Path))
	})
}

// With many servers each attempt still has the time that a slow server needs.
func TestConnect_ManySlowServersHaveTimeToAnswer(t *testing.T) {
	bubble(t, 20, func(t *testing.T, srv *zktest.Server) {
		srv.Delay(0, 600*time.Millisecond)
		c := connect(t, srv)
		srv.Delay(0, 0)
		require.NoError(t, c.Close(inTime(t)))
	})
}

// A server grants a timeout of days. The client does not wait that long for an
// answer or a handshake, nor before it notices that a server has gone.
func TestSession_AbsurdTimeoutDoesNotLengthenTheLimits(t *testing.T) {
	const absurd = math.MaxInt32 * time.Millisecond
	for name, then := range map[string]func(*scripted){
		"silent":              (*scripted).drain,
		"silent after a read": func(c *scripted) { c.serve(func(q asked) []byte { _ = c.say(good(q)); c.drain(); return nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{
					timeout: []time.Duration{absurd, absurd},
					play:    []func(*scripted){then, honest},
				}
				c := s.client(t, func(cfg *zk.Config) { cfg.SessionTimeout = 3 * time.Second })
				require.Equal(t, absurd, c.Session().Timeout(), "the other limits use the granted timeout")
				if name != "silent" {
					_, _, err := c.Exists(inTime(t), "/n")
					require.NoError(t, err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				start := time.Now()
				require.NoError(t, c.Sync(ctx, "/"))
				require.LessOrEqual(t, time.Since(start), 15*time.Second)
			})
		})
	}
	t.Run("no handshake", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &script{
				timeout: []time.Duration{absurd, absurd},
				play:    []func(*scripted){func(c *scripted) { c.say(good(<-c.requests)) }, honest},
			}
			dials := 0
			c := s.client(t, func(cfg *zk.Config) {
				cfg.SessionTimeout = 3 * time.Second
				cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					if dials++; dials == 2 {
						mine, silent := net.Pipe()
						go io.Copy(io.Discard, silent)
						return mine, nil
					}
					return s.dial(ctx, network, addr)
				}
			})
			_, _, err := c.Exists(inTime(t), "/n")
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			start := time.Now()
			require.NoError(t, c.Sync(ctx, "/"))
			require.LessOrEqual(t, time.Since(start), 15*time.Second)
			require.Equal(t, 3, dials)
		})
	})
}
