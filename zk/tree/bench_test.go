package tree_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/tree"
	"github.com/zookit/zookit/zktest"
)

// one is the configuration in which only one request is on the way at a time.
const one = 1

// The tree has 1,111 nodes, and each reply takes 0.2 ms.
func BenchmarkTree(b *testing.B) {
	srv := zktest.Start(b, zktest.Config{})
	c := connect(b, srv)
	ctx := context.Background()
	var grow func(path string, depth int)
	grow = func(path string, depth int) {
		require.NoError(b, srv.Create(path, nil))
		for i := 0; i < 10 && depth > 0; i++ {
			grow(fmt.Sprint(path, "/", i), depth-1)
		}
	}
	grow("/t", 3)
	srv.Delay(1, 200*time.Microsecond)
	for _, limit := range []int{one, 128} {
		b.Run(fmt.Sprintf("walk/%d", limit), func(b *testing.B) {
			for b.Loop() {
				for _, err := range tree.Walk(ctx, c, "/t", tree.WalkConfig{InFlight: limit}) {
					require.NoError(b, err)
				}
			}
		})
		b.Run(fmt.Sprintf("copy+delete/%d", limit), func(b *testing.B) {
			for b.Loop() {
				_, err := tree.Copy(ctx, c, "/t", c, "/copy", tree.CopyConfig{InFlight: limit})
				require.NoError(b, err)
				_, err = tree.Delete(ctx, c, "/copy", tree.DeleteConfig{InFlight: limit})
				require.NoError(b, err)
			}
		})
	}
	b.Run("delete/by hand", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			_, err := tree.Copy(ctx, c, "/t", c, "/copy", tree.CopyConfig{})
			require.NoError(b, err)
			b.StartTimer()
			require.NoError(b, byHand(ctx, c, "/copy"))
		}
	})
}

// byHand deletes a tree as programs do without this package.
func byHand(ctx context.Context, c *zk.Client, path string) error {
	names, _, err := c.Children(ctx, path)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := byHand(ctx, c, zk.Join(path, name)); err != nil {
			return err
		}
	}
	return c.Delete(ctx, path, zk.AnyVersion)
}
