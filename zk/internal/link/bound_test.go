package link_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk/internal/link"
)

// When the request that the bound holds back is withdrawn, an unbound one behind
// it is written at once. Nothing else might happen on the link for a long time.
func TestWithdraw_LetsAnUnboundRequestGo(t *testing.T) {
	for name, withdraw := range map[string]func(r *rig, held *link.Request) bool{
		"Withdraw": func(r *rig, held *link.Request) bool { return r.Withdraw(held) },
		"WithdrawFunc": func(r *rig, held *link.Request) bool {
			return len(r.WithdrawFunc(func(q *link.Request) bool { return q == held })) == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := bounded(t)
				held, free := request("held"), request("free")
				free.Unbound = true
				r.Submit(held, false)
				r.Submit(free, false)
				if r.Submit(request("behind"), true) {
					r.Write() // the caller finds nothing that it may write
				}
				synctest.Wait()
				require.Empty(t, r.nc.out.buf)
				require.True(t, withdraw(r, held))
				synctest.Wait()
				require.NotEmpty(t, r.nc.out.buf, "no writer was woken")
				require.Equal(t, "free", r.read().name)
				require.Empty(t, r.nc.out.buf)
				sent, unsent := r.end(errOver)
				require.Equal(t, append(numbered(8), "free"), sent)
				require.Equal(t, []string{"behind"}, unsent)
			})
		})
	}
}

// bounded returns a link that runs, with as many unanswered requests as its bound
// allows.
func bounded(t *testing.T) *rig {
	cfg := config()
	cfg.Bounded = true
	r := rigged(t, cfg)
	t.Cleanup(func() { r.end(errOver) })
	r.Start()
	r.submit(numbered(8)...)
	require.Equal(t, numbered(8), r.readAll(8))
	synctest.Wait()
	return r
}

// A held link writes pings and reads replies, and no request, whoever submits it. When it
// is let go, it writes what waits. What a link that ends still holds back was not sent.
func TestHold_RequestsWaitAndRepliesComeIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rigged(t, config())
		r.Start()
		r.submit("before")
		require.Equal(t, "before", r.read().name)
		r.Hold(true)
		r.Submit(request("held"), false)
		r.SubmitFirst(request("first"))
		if r.Submit(request("caller"), true) {
			r.Write()
		}
		synctest.Wait()
		require.Empty(t, r.nc.out.buf)
		waiting, unanswered := r.Load()
		require.Equal(t, []int{3, 1}, []int{waiting, unanswered})
		r.Hold(false)
		synctest.Wait()
		require.Equal(t, []string{"first", "held", "caller"}, r.readAll(3))
		r.Hold(true)
		r.Submit(request("never"), false)
		sent, unsent := r.end(errOver)
		require.Equal(t, []string{"before", "first", "held", "caller"}, sent)
		require.Equal(t, []string{"never"}, unsent)
	})
}
