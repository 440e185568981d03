package discovery_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// One instance is too large for a reply. The others are found, also if their reads wait
// for room in the client.
func TestQuery_BehindATooLargeInstance(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		for i := range 10 {
			more := ""
			if i == 3 {
				more = fmt.Sprintf(`,"address":%q`, strings.Repeat("x", 5000))
			}
			put(t, srv, "web", fmt.Sprint(i), more)
		}
		small := connect(t, srv, func(cfg *zk.Config) { cfg.MaxReplySize, cfg.MaxInFlight = 3000, 4 })
		for range 20 { // the server lists the names in any order
			good, bad, err := discovery.New(small, "/services", discovery.Config{}).Query(t.Context(), "web")
			require.NoError(t, err)
			require.Len(t, bad, 1, "%v", bad)
			require.Len(t, good, 9)
		}
	})
}
