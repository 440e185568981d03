package groupmembership_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/chaos"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// failures: 91, 94, 96, 99: members come, change, go and lose their sessions,
// strangers too, and the directory goes when it is empty, in a storm of faults.
// While a client is not connected its view says that it is stale. After each storm
// every view is the data that the members were given, and what the server has.
func TestGroup_Chaos(t *testing.T) {
	chaos.Seeds(t, 12, func(t *testing.T, rnd *rand.Rand) {
		cfg := zktest.Config{
			Servers: 1 + rnd.IntN(2), DisableWatchAndContainer: rnd.IntN(3) == 0,
			Version: []zktest.Version{zktest.V3_9, zktest.V3_8}[rnd.IntN(2)],
		}
		t.Logf("servers=%d old=%v version=%v", cfg.Servers, cfg.DisableWatchAndContainer, cfg.Version)
		inBubble(t, cfg, func(t *testing.T, srv *zktest.Server) { newTown(t, srv, cfg.Servers, rnd).run() })
	})
}

// town is several clients whose members join, leave and watch a group.
type town struct {
	t       *testing.T
	rnd     *rand.Rand
	srv     *zktest.Server
	clients []*zk.Client
	groups  []*groupmembership.Group
	eyes    []*eye
	slow    *eye // whose reader takes its time
	here    map[string]*groupmembership.Membership
	want    dict // the data that each member was given
	storm   *chaos.Storm
	stormy  sync.WaitGroup // what the storm goes on in
}

const people = 4

func newTown(t *testing.T, srv *zktest.Server, servers int, rnd *rand.Rand) *town {
	x := &town{t: t, rnd: rnd, srv: srv, here: map[string]*groupmembership.Membership{}, want: dict{}}
	for range people {
		c := connect(t, srv)
		g := groupmembership.New(c, "/g", groupmembership.Config{})
		x.clients, x.groups, x.eyes = append(x.clients, c), append(x.groups, g), append(x.eyes, watch(t, g))
	}
	x.slow = watchSlowly(t, x.groups[0], rand.New(rand.NewPCG(rnd.Uint64(), 0)))
	x.storm = chaos.New(srv, servers, rand.New(rand.NewPCG(rnd.Uint64(), 0)))
	t.Cleanup(func() { // before the clients are closed, if the test has failed
		x.stormy.Wait()
		x.storm.Calm()
	})
	return x
}

func (x *town) run() {
	for range 6 {
		quiet := make(chan struct{})
		pauses := rand.New(rand.NewPCG(x.rnd.Uint64(), 0))
		x.stormy.Go(func() {
			for {
				select {
				case <-quiet:
					return
				case <-x.t.Context().Done(): // the test has failed
					return
				case <-time.After(time.Duration(pauses.IntN(400)) * time.Millisecond):
					x.storm.Step()
				}
			}
		})
		for range 40 {
			time.Sleep(time.Duration(x.rnd.IntN(400)) * time.Millisecond)
			x.act()
			x.staleness()
		}
		close(quiet)
		x.stormy.Wait()
		x.storm.Calm()
		time.Sleep(3 * time.Minute)
		x.equal()
		for range 5 {
			x.act()
			time.Sleep(time.Minute)
			x.equal()
		}
	}
	x.end()
}

// act is one act of one member, one stranger or the server.
func (x *town) act() {
	who := x.rnd.IntN(people)
	ctx, cancel := context.WithTimeout(x.t.Context(), 10*time.Minute)
	defer cancel()
	member := fmt.Sprint("m", who)
	stranger := fmt.Sprint("/g/s", x.rnd.IntN(3))
	data := fmt.Sprint(x.rnd.Uint64())
	switch n := x.rnd.IntN(20); {
	case n < 12:
		x.live(ctx, who, member, data)
	case n < 15: // not kept: what becomes of it is up to the storm
		ctx, cancel := context.WithTimeout(ctx, time.Duration(x.rnd.IntN(2000))*time.Millisecond)
		defer cancel()
		_, _ = x.clients[who].Create(ctx, stranger, []byte(data), zk.Ephemeral)
	case n < 16:
		_ = x.srv.Delete(stranger)
	case n < 17: // no member
		_ = x.srv.Create("/g/persistent", []byte(data))
	case n < 18:
		_ = x.srv.Delete("/g/persistent")
	case n < 19: // it comes back
		_ = x.srv.Delete("/g/" + member)
	default: // as a container does, when it is empty
		_ = x.srv.Delete("/g")
	}
}

// live lets a member join, change or leave. Half of the time it does not wait for the
// end of an outage.
func (x *town) live(ctx context.Context, who int, id, data string) {
	x.t.Helper()
	if x.rnd.IntN(2) == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Duration(x.rnd.IntN(1000))*time.Millisecond)
		defer cancel()
	}
	inTime := func(err error) bool {
		x.t.Helper()
		if err != nil && ctx.Err() != nil {
			require.ErrorIs(x.t, err, context.DeadlineExceeded)
			return false
		}
		require.NoError(x.t, err)
		return true
	}
	m := x.here[id]
	switch {
	case m == nil:
		// One that does not join in time is no member, and leaves nothing.
		if m, err := x.groups[who].Join(ctx, id, []byte(data)); inTime(err) {
			x.here[id], x.want[id] = m, data
		}
	case x.rnd.IntN(3) == 0:
		if err := m.Leave(ctx); !errors.Is(err, zk.ErrUnconfirmed) {
			inTime(err)
		} // an unconfirmed node must not stay either
		delete(x.here, id)
		delete(x.want, id)
	default:
		err := m.Update(ctx, []byte(data))
		if inTime(err) || zk.OutcomeOf(err) != zk.OutcomeNotSent {
			x.want[id] = data // it is stored, sooner or later
		}
	}
}

// staleness checks that no view says that it is kept up to date while its client is
// not connected.
func (x *town) staleness() {
	x.t.Helper()
	synctest.Wait()
	for i, e := range x.eyes {
		state := x.clients[i].State()
		if e.drain(); state != zk.StateConnected && e.known {
			require.True(x.t, e.last.Stale, "the client is %v", state)
		}
	}
}

// equal checks that every view is what the server has, and that this is the data
// that the members were given.
func (x *town) equal() {
	x.t.Helper()
	synctest.Wait()
	have := dict{}
	for _, id := range x.srv.Children("/g") {
		if x.srv.Owner("/g/"+id) != 0 {
			data, _ := x.srv.Get("/g/" + id)
			have[id] = string(data)
		}
	}
	for i, e := range append(slices.Clone(x.eyes), x.slow) {
		e.drain()
		require.False(x.t, e.last.Stale, "view %d", i)
		require.Equal(x.t, have, names(e.last.Members()), "view %d", i)
		require.Equal(x.t, len(have), e.last.Len())
	}
	require.Equal(x.t, have, members(x.t, x.groups[1]))
	for id := range have {
		if strings.HasPrefix(id, "s") {
			delete(have, id)
		}
	}
	require.Equal(x.t, x.want, have, "the snapshots that the members have got")
	for id, m := range x.here {
		require.NoError(x.t, m.Context().Err())
		require.Equal(x.t, m.Status().Session.ID(), x.srv.Owner("/g/"+id))
	}
}

func (x *town) end() {
	for _, m := range x.here {
		require.NoError(x.t, m.Leave(x.t.Context()))
	}
	for _, id := range x.srv.Children("/g") {
		require.NoError(x.t, x.srv.Delete("/g/"+id))
	}
	for _, e := range append(x.eyes, x.slow) {
		require.ErrorIs(x.t, e.end(), context.Canceled)
	}
}
