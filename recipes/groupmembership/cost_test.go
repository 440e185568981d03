package groupmembership_test

import (
	"fmt"
	"iter"
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// crowd makes members as nodes of one session: what they cost by themselves is
// not of interest here.
type crowd struct {
	c    *zk.Client
	size int
}

func newCrowd(tb testing.TB, srv *zktest.Server, size int) *crowd {
	c := &crowd{c: connect(tb, srv)}
	_, err := c.c.Create(tb.Context(), "/g", nil, zk.Persistent)
	require.NoError(tb, err)
	pipe := c.c.Pipeline()
	var last *zk.Future[zk.Created]
	for range size {
		last = pipe.Create(tb.Context(), c.path(), []byte("data"), zk.Ephemeral)
		c.size++
	}
	_, err = last.Wait(tb.Context())
	require.NoError(tb, err)
	return c
}

func (c *crowd) path() string { return fmt.Sprintf("/g/member-%06d", c.size) }

// join adds a member.
func (c *crowd) join(tb testing.TB) {
	_, err := c.c.Create(tb.Context(), c.path(), []byte("data"), zk.Ephemeral)
	require.NoError(tb, err)
	c.size++
}

// leave takes the newest member out.
func (c *crowd) leave(tb testing.TB) {
	c.size--
	require.NoError(tb, c.c.Delete(tb.Context(), c.path(), zk.AnyVersion))
}

// A join costs a reader the same in a large group as in a small one. The work of
// the server and of the member's client is counted too.
func TestWatch_AChangeCostsWhatChanged(t *testing.T) {
	const small, large, joins = 100, 5000, 200
	bytesPerJoin := func(size int) (bytes uint64) {
		synctest.Test(t, func(t *testing.T) {
			srv := zktest.Start(t, zktest.Config{})
			crowd := newCrowd(t, srv, size)
			var before, after runtime.MemStats
			for s, err := range group(t, srv).Watch(t.Context()) {
				require.NoError(t, err)
				switch crowd.size {
				case size:
					require.Len(t, s.Joined, size)
					runtime.ReadMemStats(&before)
				case size + joins:
					require.Len(t, s.Joined, 1)
					runtime.ReadMemStats(&after)
					bytes = (after.TotalAlloc - before.TotalAlloc) / joins
					return
				}
				crowd.join(t)
			}
		})
		return bytes
	}
	few, many := bytesPerJoin(small), bytesPerJoin(large)
	t.Logf("bytes a join: %d with %d members, %d with %d", few, small, many, large)
	require.Less(t, many, 2*few, "bytes a join with %d members, against %d with %d", large, few, small)
}

// What a join and a leave cost a reader of the changes, and one that asks for the
// whole list each time. The work of the server and of the member's client is counted
// too.
func BenchmarkWatch_JoinAndLeave(b *testing.B) {
	for _, list := range []bool{false, true} {
		for _, size := range []int{10, 100, 1000, 10_000} {
			b.Run(fmt.Sprintf("list=%v/members=%d", list, size), func(b *testing.B) {
				srv := zktest.Start(b, zktest.Config{})
				crowd := newCrowd(b, srv, size)
				next, stop := iter.Pull2(group(b, srv).Watch(b.Context()))
				defer stop()
				see := func(want int) {
					s, err, _ := next()
					require.NoError(b, err)
					require.Equal(b, want, s.Len())
					if list {
						require.Len(b, s.Members(), want)
					}
				}
				see(size)
				b.ReportAllocs()
				for b.Loop() {
					crowd.join(b)
					see(size + 1)
					crowd.leave(b)
					see(size)
				}
			})
		}
	}
}
