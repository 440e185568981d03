package link

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ring gives back what it was given, in order, however it wraps and grows.
func TestFifo(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var q fifo
	var want []*Request
	for range 10_000 {
		if rnd.IntN(2) == 0 {
			var batch []*Request
			bytes := 0
			for range rnd.IntN(20) {
				r := &Request{Frame: make([]byte, rnd.IntN(5))}
				batch, bytes = append(batch, r), bytes+len(r.Frame)
			}
			q.push(batch, bytes)
			want = append(want, batch...)
		} else {
			for range min(rnd.IntN(30), len(want)) {
				require.Same(t, want[0], q.head())
				require.Same(t, want[0], q.pop())
				want = want[1:]
			}
		}
		bytes := 0
		for _, r := range want {
			bytes += len(r.Frame)
		}
		require.Equal(t, len(want), q.len)
		require.Equal(t, bytes, q.bytes)
	}
	for range want {
		q.pop()
	}
	require.Nil(t, q.head())
}

// A ring that was large once does not stay so.
func TestFifo_FreesALargeRing(t *testing.T) {
	var q fifo
	q.push(make([]*Request, 2*keptRing), 0)
	for i := range q.ring {
		q.ring[i] = &Request{}
	}
	for q.len > 0 {
		q.pop()
	}
	require.Empty(t, q.ring)
}

// A queue stays whole when requests leave it from both ends and the middle.
func TestQueue(t *testing.T) {
	var q, other Queue
	all := make([]*Request, 10)
	for i := range all {
		all[i] = &Request{Xid: int32(i), Frame: make([]byte, i)}
		q.Push(all[i])
	}
	left := func() (xids []int32) {
		bytes := 0
		for r := q.Head(); r != nil; r = r.next {
			xids, bytes = append(xids, r.Xid), bytes+len(r.Frame)
		}
		require.Equal(t, len(xids), q.Len())
		require.Equal(t, bytes, q.bytes)
		return xids
	}
	require.True(t, q.Remove(all[0]))
	require.False(t, q.Remove(all[0]))
	require.True(t, q.Remove(all[9]))
	require.True(t, q.Remove(all[4]))
	q.PushHead(all[9])
	require.Equal(t, []int32{9, 1, 2, 3, 5, 6, 7, 8}, left())
	require.False(t, other.Remove(all[1]))
	other.Append(&q)
	require.Empty(t, left())
	require.False(t, q.Remove(all[1]))
	require.True(t, other.Remove(all[1]))
	q.PushHead(all[1])
	q.Append(&other)
	require.Equal(t, []int32{1, 9, 2, 3, 5, 6, 7, 8}, left())
	q.cut(all[3], 3, 1+9+2)
	require.Equal(t, []int32{3, 5, 6, 7, 8}, left())
	require.True(t, q.Remove(all[3]))
	q.cut(nil, 4, 5+6+7+8)
	require.Empty(t, left())
	q.Push(all[0])
	require.Equal(t, []int32{0}, left())
}
