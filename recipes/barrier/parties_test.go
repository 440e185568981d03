package barrier_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/barrier"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A number of parties that no transaction can let in is refused at once, and not only
// when the last party joins.
func TestDouble_TooManyPartiesAreRefusedAtOnce(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := barrier.NewDouble(connect(t, srv), "/b", 20_000, barrier.DoubleConfig{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := d.Enter(ctx)
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
		require.Less(t, time.Since(start), time.Second)
		require.Empty(t, srv.Dump())
	})
}

// The limit in the error is exact: that number of parties can enter, in a directory with
// data too.
func TestDouble_LimitOfPartiesIsExact(t *testing.T) {
	for name, data := range map[string][]byte{"empty directory": nil, "with data": make([]byte, 300)} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				require.NoError(t, srv.Create("/b", data))
				c := clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.MaxRequestSize = 1500 })
				of := func(n int) *barrier.Double { return barrier.NewDouble(c, "/b", n, barrier.DoubleConfig{}) }
				for _, n := range []int{-1, 0, 1_000_000} {
					_, err := of(n).Enter(t.Context())
					require.ErrorIs(t, err, barrier.ErrParties, n)
					require.ErrorContains(t, err, "/b")
				}
				var bad *barrier.PartiesError
				n := 1000
				if data != nil {
					n = 12 // possible in a directory without data
				}
				_, err := of(n).Enter(t.Context())
				require.ErrorAs(t, err, &bad)
				require.Equal(t, "/b", bad.Dir)
				require.Greater(t, bad.Limit, 5)
				_, err = of(bad.Limit + 1).Enter(t.Context())
				require.ErrorIs(t, err, zk.ErrTooLarge)
				require.Empty(t, srv.Children("/b"))

				d := of(bad.Limit)
				var under []*entering
				for range bad.Limit {
					under = append(under, enter(t.Context(), d))
				}
				var entries []*barrier.Entry
				for _, e := range under {
					entries = append(entries, e.in(t))
				}
				leaveAll(t, entries...)
			})
		})
	}
}
