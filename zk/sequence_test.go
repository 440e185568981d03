package zk_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

func TestSequenceOf(t *testing.T) {
	for _, q := range []struct {
		name string
		want int32
		ok   bool
	}{
		{"lock-0000000000", 0, true},
		{"/a/lock-0000000012", 12, true},
		{"0000000007", 7, true},
		{"n123450000000007", 7, true},
		{"lock-2147483647", math.MaxInt32, true},
		{"lock--2147483647", -math.MaxInt32, true},
		{"lock--2147483648", math.MinInt32, true},
		{"n-2147483648", math.MinInt32, true},
		{"lock--000000001", -1, true},
		{"n-000000001", -1, true},
		{"n-999999999", -999999999, true},
		{"lock-1234567890", 1234567890, true},
		{"lock--1234567890", -1234567890, true},
		{"n4294967295", 0, false},
		{"n-4294967295", 0, false},
		{"n9999999999", 0, false},
		{"n000000001", 0, false},
		{"lock-", 0, false},
		{"", 0, false},
		{"-", 0, false},
		{"0000000001x", 0, false},
		{"٠٠٠٠٠٠٠٠٠١", 0, false},
	} {
		got, ok := zk.SequenceOf(q.name)
		require.Equal(t, q.ok, ok, q.name)
		require.Equal(t, q.want, got, q.name)
	}
}

func TestCreated_Sequence(t *testing.T) {
	bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		require.NoError(t, srv.Create("/app/d", nil))
		c := connect(t, srv, func(cfg *zk.Config) { cfg.Servers += "/app" })
		for _, next := range []int64{0, 41, 1234567890, math.MaxInt32, -1, -1234567890, math.MinInt32} {
			for _, name := range []string{"/d/", "/d/n", "/d/n-", "/d/n-12"} {
				require.NoError(t, srv.SetSequence("/app/d", next))
				got, err := c.Create(t.Context(), name, nil, zk.EphemeralSequential)
				require.NoError(t, err)
				require.Equal(t, name+fmt.Sprintf("%010d", next), got.Path)
				require.EqualValues(t, next, got.Sequence, got.Path)
				require.NoError(t, c.Delete(t.Context(), got.Path, zk.AnyVersion))

				require.NoError(t, srv.SetSequence("/app/d", next))
				results, err := c.Multi(t.Context(), zk.CreateOp(name, nil, zk.PersistentSequential), zk.CheckOp("/d", zk.AnyVersion))
				require.NoError(t, err)
				require.EqualValues(t, next, results[0].Sequence, results[0].Path)
				require.Zero(t, results[1].Sequence)
				require.NoError(t, c.Delete(t.Context(), results[0].Path, zk.AnyVersion))
			}
		}
		got, err := c.Create(t.Context(), "/d/plain0000000007", nil, zk.Persistent)
		require.NoError(t, err)
		require.Zero(t, got.Sequence, "nothing was appended")
	})
}

// FuzzSequenceOf holds that a number which a server appends is found again, unless the
// hyphen of a name is in doubt.
func FuzzSequenceOf(f *testing.F) {
	f.Add("lock-", int32(12))
	f.Add("n", int32(-1))
	f.Add("a-", int32(math.MinInt32))
	f.Fuzz(func(t *testing.T, name string, n int32) {
		zk.SequenceOf(name)
		name += "x-"
		got, ok := zk.SequenceOf(name + fmt.Sprintf("%010d", n))
		if !ok || got != n {
			t.Errorf("%q and %d: %d %v", name, n, got, ok)
		}
	})
}
