package discovery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// observe records every event below /services that an observer on another server
// sees; end returns them.
func observe(t *testing.T, srv *zktest.Server) (end func() []string) {
	t.Helper()
	c := connect(t, srv, on("zk2:2181"))
	sub, err := c.Subscribe(t.Context(), "/services", zk.Recursive())
	require.NoError(t, err)
	var events []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev, err := range sub.Events(context.Background()) {
			if err == nil {
				events = append(events, fmt.Sprint(ev.Type, " ", ev.Path))
			}
		}
	}()
	return func() []string {
		time.Sleep(time.Second)
		require.NoError(t, sub.Close())
		<-done
		require.NoError(t, c.Close(t.Context()))
		return events
	}
}

func data(t *testing.T, srv *zktest.Server, path string) string {
	t.Helper()
	b, ok := srv.Get(path)
	require.True(t, ok, "no %s", path)
	return string(b)
}

func TestRegistration_WritesWhatCuratorReads(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv)
		i := discovery.Instance{Name: "web", ID: "1", Address: "h", Port: new(80), Registered: time.UnixMilli(5)}
		r, err := discovery.New(c, "/services", discovery.Config{}).Register(ctx, i)
		require.NoError(t, err)
		require.Equal(t, `{"name":"web","id":"1","address":"h","port":80,"sslPort":null,"payload":null,"registrationTimeUTC":5,"serviceType":"DYNAMIC","uriSpec":null}`,
			data(t, srv, "/services/web/1"))
		require.Equal(t, c.Session().ID(), srv.Owner("/services/web/1"))
		require.Equal(t, discovery.Registered, r.Status().State)
		require.NoError(t, r.Register(ctx), "it is already")

		// A node of the same client is never taken for one of another session.
		_, err = discovery.New(c, "/services", discovery.Config{}).Register(shortly(t), i)
		require.ErrorIs(t, err, discovery.ErrIDTaken, "another Discovery, same session")
		require.NoError(t, r.Unregister(ctx))
		require.NoError(t, r.Unregister(ctx))
		require.False(t, srv.Exists("/services/web/1"))
		require.ErrorIs(t, r.Status().Err, discovery.ErrUnregistered)

		// "enabled" is written with WriteEnabled.
		r, err = discovery.New(c, "/services", discovery.Config{WriteEnabled: true}).Register(ctx, i)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(data(t, srv, "/services/web/1"), `"uriSpec":null,"enabled":true}`))
		require.NoError(t, r.Unregister(ctx))
	})
}

// shortly returns a context that lasts for WaitOut.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// An update is a change of the node, and never a delete and a create.
func TestRegistration_UpdatesInPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		end := observe(t, srv)
		require.NoError(t, r.Update(ctx, func(i *discovery.Instance) {
			i.Address, i.ID, i.Name, i.Type = "new", "other", "other", discovery.Static // only the address may change
		}))
		require.Contains(t, data(t, srv, "/services/web/1"), `"address":"new"`)
		require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Disabled = true }))
		require.Equal(t, []string{"data changed /services/web/1", "data changed /services/web/1"}, end())

		// Data that cannot be stored changes nothing.
		before := r.Instance()
		err = r.Update(ctx, func(i *discovery.Instance) { i.Payload = []byte(`{`) })
		_, ok := errors.AsType[*discovery.InvalidError](err)
		require.True(t, ok, "%v", err)
		err = r.Update(ctx, func(i *discovery.Instance) { i.Payload = []byte(`"` + strings.Repeat("x", 1<<20) + `"`) })
		require.ErrorIs(t, err, zk.ErrTooLarge)
		require.Equal(t, before, r.Instance())

		// The next Register stores an update of an unregistered instance.
		require.NoError(t, r.Unregister(ctx))
		require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Address = "later" }))
		require.False(t, srv.Exists("/services/web/1"))
		require.NoError(t, r.Register(ctx))
		require.Contains(t, data(t, srv, "/services/web/1"), `"address":"later"`)
		require.NoError(t, r.Unregister(ctx))
	})
}

// failures: 93: no observer sees a reconnect within the session, half a timeout long.
func TestRegistration_ReconnectIsNoFlap(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv, on("zk1:2181"))
		r, err := discovery.New(c, "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		end := observe(t, srv)
		for range 5 {
			srv.Down(1, true)
			time.Sleep(3 * time.Second)
			srv.Down(1, false)
			time.Sleep(10 * time.Second)
			require.Equal(t, discovery.Registered, r.Status().State)
		}
		require.Empty(t, end())
		require.NoError(t, r.Unregister(ctx))
	})
}

// failures: 94, 96: after an expiry the instance is registered again with its newest
// data, although the first tries are cut or refused.
func TestRegistration_ComesBackWithTheNewestAfterAnExpiry(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv, on("zk1:2181"))
		r, err := discovery.New(c, "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1", Address: "old"})
		require.NoError(t, err)
		first := r.Status()
		srv.Down(1, true)
		time.Sleep(time.Second)
		updated := make(chan error, 1)
		go func() { updated <- r.Update(ctx, func(i *discovery.Instance) { i.Address = "new" }) }()
		time.Sleep(time.Minute)
		require.False(t, srv.Exists("/services/web/1"))
		require.Equal(t, discovery.Unregistered, r.Status().State)
		require.ErrorIs(t, context.Cause(first.Context), zk.ErrLeaseLapsed)

		var mu sync.Mutex
		verdicts := []zktest.Verdict{zktest.CutBefore, zktest.Fail(-102), zktest.DropReplyAndCut}
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if q.Op != "create" || len(verdicts) == 0 {
				return zktest.Pass
			}
			v := verdicts[0]
			verdicts = verdicts[1:]
			return v
		})
		srv.Down(1, false)
		require.NoError(t, <-updated)
		time.Sleep(time.Minute)
		mu.Lock()
		require.Empty(t, verdicts)
		mu.Unlock()
		require.Equal(t, discovery.Registered, r.Status().State)
		require.Contains(t, data(t, srv, "/services/web/1"), `"address":"new"`)
		require.Equal(t, c.Session().ID(), srv.Owner("/services/web/1"))
		require.Greater(t, r.Status().Czxid, first.Czxid)
		require.NoError(t, r.Unregister(ctx))
	})
}

// failures: 98: a node that an operator deletes is created again, with its parent.
func TestRegistration_DeletedByAnOperatorComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		time.Sleep(10 * time.Second)

		// Without the hook, the node could be back before its parent is deleted.
		deleted := make(chan struct{})
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if strings.HasPrefix(q.Op, "create") {
				<-deleted
			}
			return zktest.Pass
		})
		require.NoError(t, srv.Delete("/services/web/1"))
		require.NoError(t, srv.Delete("/services/web"))
		close(deleted)
		time.Sleep(10 * time.Second)
		require.True(t, srv.Exists("/services/web/1"))
		require.NoError(t, r.Unregister(ctx))
	})
}

func TestRegistration_OfEveryType(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx, c := t.Context(), connect(t, srv)
		d := discovery.New(c, "/services", discovery.Config{})

		// Two instances with one ID get different node names.
		var seq [2]*discovery.Registration
		for n := range seq {
			var err error
			seq[n], err = d.Register(ctx, discovery.Instance{Name: "seq", ID: "1", Type: discovery.DynamicSequential})
			require.NoError(t, err)
		}
		require.Len(t, srv.Children("/services/seq"), 2)
		list, bad, err := d.Query(ctx, "seq")
		require.NoError(t, err)
		require.Empty(t, bad)
		require.Equal(t, "1 1", ids(list))
		require.Equal(t, c.Session().ID(), list[0].Stat.EphemeralOwner)
		for _, r := range seq {
			require.NoError(t, r.Unregister(ctx))
		}
		require.Empty(t, srv.Children("/services/seq"))

		for _, typ := range []discovery.ServiceType{discovery.Static, discovery.Permanent} {
			r, err := d.Register(ctx, discovery.Instance{Name: "st", ID: "1", Type: typ})
			require.NoError(t, err)
			require.Zero(t, srv.Owner("/services/st/1"))
			require.Equal(t, discovery.Registered, r.Status().State)
			require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Address = "h" }))
			require.Contains(t, data(t, srv, "/services/st/1"), `"address":"h"`)

			// The node of another client is replaced in place: the last write wins.
			other, err := d.Register(ctx, discovery.Instance{Name: "st", ID: "1", Type: typ, Address: "b"})
			require.NoError(t, err)
			require.Equal(t, r.Status().Czxid, other.Status().Czxid)
			require.Contains(t, data(t, srv, "/services/st/1"), `"address":"b"`)

			require.NoError(t, srv.Delete("/services/st/1"))
			require.ErrorIs(t, r.Update(ctx, func(i *discovery.Instance) { i.Address = "x" }), zk.ErrNoNode)
			require.False(t, srv.Exists("/services/st/1"), "it is not made again")
			require.Equal(t, "h", r.Instance().Address)
			require.NoError(t, r.Unregister(ctx))
			require.ErrorIs(t, r.Status().Err, discovery.ErrUnregistered)
			require.NoError(t, r.Unregister(ctx))
			require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Address = "y" }))
			require.False(t, srv.Exists("/services/st/1"))
			require.NoError(t, r.Register(ctx))
			require.Contains(t, data(t, srv, "/services/st/1"), `"address":"y"`)
			require.NoError(t, other.Unregister(ctx))
		}

		// A persistent instance does not write into an ephemeral node.
		dyn, err := d.Register(ctx, discovery.Instance{Name: "st", ID: "1"})
		require.NoError(t, err)
		before := data(t, srv, "/services/st/1")
		_, err = d.Register(ctx, discovery.Instance{Name: "st", ID: "1", Type: discovery.Static})
		require.ErrorIs(t, err, discovery.ErrIDTaken)
		taken, ok := errors.AsType[*recipes.TakenError](err)
		require.True(t, ok)
		require.Equal(t, c.Session().ID(), taken.Owner)
		require.Equal(t, before, data(t, srv, "/services/st/1"))
		require.NoError(t, dyn.Unregister(ctx))
	})
}

// Each reply to a write of a persistent instance is lost once.
func TestRegistration_PersistentOverLostReplies(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		var mu sync.Mutex
		lost := map[string]bool{}
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			mu.Lock()
			defer mu.Unlock()
			if q.Path == "/services/st/1" && !lost[q.Op] {
				lost[q.Op] = true
				return zktest.DropReplyAndCut
			}
			return zktest.Pass
		})
		r, err := d.Register(ctx, discovery.Instance{Name: "st", ID: "1", Type: discovery.Static})
		require.NoError(t, err)
		require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Address = "h" }))
		require.Contains(t, data(t, srv, "/services/st/1"), `"address":"h"`)
		require.NoError(t, r.Unregister(ctx))
		require.False(t, srv.Exists("/services/st/1"))
		mu.Lock()
		require.Equal(t, map[string]bool{"create": true, "exists": true, "set": true, "delete": true}, lost)
		mu.Unlock()
	})
}

// A Register whose context ends leaves no node, and its error says what it waited for.
func TestRegistration_GivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" {
				return zktest.Fail(-102)
			}
			return zktest.Pass
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, ctx.Err(), "Register must return the refusal at once")
		require.ErrorIs(t, err, zk.ErrNoAuth)

		srv.OnRequest(func(q zktest.Request) zktest.Verdict {
			if q.Op == "create" {
				return zktest.Hang
			}
			return zktest.Pass
		})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		given := make(chan error, 1)
		go func() { given <- r.Register(t.Context()) }()
		time.Sleep(time.Second)
		srv.OnRequest(nil)
		require.NoError(t, r.Unregister(t.Context()), "while it is registering")
		require.ErrorIs(t, <-given, discovery.ErrUnregistered)
		time.Sleep(time.Minute)
		require.False(t, srv.Exists("/services/web/1"))
	})
}

// failures: 95: several goroutines register and unregister while connections are cut.
// The last call decides the state.
func TestRegistration_OnAndOffUnderCuts(t *testing.T) {
	inBubble(t, func(t *testing.T, srv *zktest.Server) {
		ctx := t.Context()
		d := discovery.New(connect(t, srv), "/services", discovery.Config{})
		r, err := d.Registration(discovery.Instance{Name: "web", ID: "1"})
		require.NoError(t, err)
		var wg sync.WaitGroup
		for n := range 4 {
			wg.Go(func() {
				for k := range 50 {
					switch n {
					case 0:
						_ = r.Register(ctx) // an Unregister ends it
					case 1:
						_ = r.Unregister(ctx)
					case 2:
						_ = r.Update(ctx, func(i *discovery.Instance) { i.Port = new(k) })
					case 3:
						srv.CutConnections(1 + k%2)
					}
					time.Sleep(time.Duration(n*7+k%5) * time.Millisecond)
				}
			})
		}
		wg.Wait()
		require.NoError(t, r.Register(ctx))
		require.NoError(t, r.Update(ctx, func(i *discovery.Instance) { i.Port = new(777) }))
		require.Contains(t, data(t, srv, "/services/web/1"), `"port":777`)
		require.NoError(t, r.Unregister(ctx))
		time.Sleep(time.Minute)
		require.False(t, srv.Exists("/services/web/1"))
	})
}

func TestRegistration_DrainDisablesThenGoes(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.Static} {
		t.Run(string(typ), func(t *testing.T) {
			inBubble(t, func(t *testing.T, srv *zktest.Server) {
				ctx := t.Context()
				r, err := discovery.New(connect(t, srv), "/services", discovery.Config{}).Register(ctx, discovery.Instance{Name: "web", ID: "1", Type: typ})
				require.NoError(t, err)
				drained := make(chan error, 1)
				go func() { drained <- r.Drain(ctx, 10*time.Second) }()
				time.Sleep(9 * time.Second)
				require.Contains(t, data(t, srv, "/services/web/1"), `"enabled":false`)
				require.True(t, r.Instance().Disabled)
				require.NoError(t, <-drained)
				require.False(t, srv.Exists("/services/web/1"))
				require.NoError(t, r.Register(ctx))
				require.NotContains(t, data(t, srv, "/services/web/1"), "enabled", "registered again, it is enabled")

				require.NoError(t, r.Unregister(ctx))
				require.NoError(t, r.Drain(ctx, time.Hour), "there is nothing to drain")
				require.NoError(t, r.Register(ctx))
				require.NotContains(t, data(t, srv, "/services/web/1"), "enabled")

				// Also after its context ends while it waits, it is unregistered.
				short, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				require.ErrorIs(t, r.Drain(short, time.Hour), context.DeadlineExceeded)
				synctest.Wait()
				if typ == discovery.Static {
					require.NoError(t, r.Unregister(ctx), "nothing deletes a persistent node in the background")
				}
				time.Sleep(time.Second)
				require.False(t, srv.Exists("/services/web/1"))
			})
		})
	}
}
