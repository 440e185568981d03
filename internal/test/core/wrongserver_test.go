package core_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// The error of Connect names what real servers do not say: too many connections from one
// address, a port without TLS, no quorum.
func TestCore_HintsAtWhatIsWrongWithAServer(t *testing.T) {
	try := func(cfg zk.Config) error {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		tries := 0
		cfg.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if tries++; tries == 3 {
				cancel() // the reason of the attempt before stays
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		}
		_, err := zk.Connect(ctx, cfg)
		require.Error(t, err)
		return err
	}
	t.Run("too many connections, no TLS", func(t *testing.T) {
		e := ensemble.Run(t, ensemble.Options{Extra: []string{"maxClientCnxns=1"}})
		err := try(zk.Config{Servers: e.Direct(), TLS: &tls.Config{}})
		require.ErrorContains(t, err, "its port may be without TLS")
		c := connect(t, e.Direct())
		err = try(zk.Config{Servers: e.Direct()})
		require.ErrorContains(t, err, "too many connections from this address (maxClientCnxns)")
		require.NoError(t, c.Close(t.Context()))
	})
	t.Run("no quorum", func(t *testing.T) {
		e := ensemble.Run(t, ensemble.Options{Size: 3})
		require.NoError(t, e.Kill(0))
		require.NoError(t, e.Kill(1))
		require.Eventually(t, func() bool {
			answer, err := e.FourLetter(t.Context(), 2, "srvr")
			return err == nil && strings.Contains(answer, "not currently serving")
		}, 30*time.Second, 20*time.Millisecond)
		err := try(zk.Config{Servers: e.DirectAddr(2)})
		require.ErrorContains(t, err, "no quorum")
	})
}
