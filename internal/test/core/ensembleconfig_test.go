package core_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// The configuration of three servers and of one, below a chroot.
func TestCore_EnsembleConfig(t *testing.T) {
	for _, v := range ensemble.Versions() {
		t.Run(string(v), func(t *testing.T) {
			for _, size := range []int{1, 3} {
				e := ensemble.Run(t, ensemble.Options{Version: v, Size: size})
				_, err := connect(t, e.Direct()).Create(t.Context(), "/app", nil, zk.Persistent)
				require.NoError(t, err)
				c := connect(t, e.Direct()+"/app")
				got, w, err := c.EnsembleConfigW(t.Context())
				require.NoError(t, err)
				w.Stop()
				if size == 1 {
					require.Empty(t, got.Servers)
					continue
				}
				var clients []string
				for i, s := range got.Servers {
					require.EqualValues(t, i+1, s.ID)
					require.Equal(t, zk.Participant, s.Role)
					require.Len(t, s.Peers, 1)
					require.Equal(t, "127.0.0.1", s.Peers[0].Host)
					clients = append(clients, s.Client)
				}
				require.ElementsMatch(t, strings.Split(e.Direct(), ","), clients)
			}
		})
	}
}
