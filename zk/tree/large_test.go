package tree_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// A tree of 100,000 nodes is deleted in the memory of some thousand.
func TestDelete_LargeTreeInLittleMemory(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		const dirs, leaves = 100, 999
		require.NoError(t, srv.Create("/t", nil))
		for i := range dirs {
			dir := fmt.Sprintf("/t/%03d", i)
			require.NoError(t, srv.Create(dir, nil))
			for j := range leaves {
				require.NoError(t, srv.Create(fmt.Sprintf("%s/leaf-with-a-long-name-%04d", dir, j), nil))
			}
		}
		c := connect(t, srv)
		before, most := heap(), uint64(0)
		n, err := tree.Delete(inTime(t), c, "/t", tree.DeleteConfig{OnNode: func(path string) {
			if strings.HasSuffix(path, "9/leaf-with-a-long-name-0500") { // ten times
				most = max(most, heap())
			}
		}})
		require.NoError(t, err)
		require.Equal(t, 1+dirs*(leaves+1), n)
		// The tree goes from the server meanwhile. What Delete keeps are the names of all
		// directories at which it works, 2.7 MB, and little else.
		require.Less(t, most, before+8<<20)
	})
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
