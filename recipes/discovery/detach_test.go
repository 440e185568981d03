package discovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The registration goes from process to process, and the node is there all the time.
func TestDetach_RegistrationMoves(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.DynamicSequential} {
		clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := clienttest.Connect(t, srv)
			inst := discovery.Instance{Name: "s", ID: "one", Address: "a", Type: typ, Registered: time.Unix(1, 0)}
			r, err := discovery.New(c, "/d", discovery.Config{}).Register(t.Context(), inst)
			require.NoError(t, err)
			path, czxid := r.Status().Path, r.Status().Czxid
			for range 3 {
				reg := r.Status().Context
				d, err := r.Detach(t.Context())
				require.NoError(t, err)
				require.ErrorIs(t, context.Cause(reg), recipes.ErrDetached)
				require.NoError(t, r.Unregister(t.Context()), "it does nothing")
				session, err := c.Detach(t.Context())
				require.NoError(t, err)
				c = clienttest.Connect(t, srv, func(cfg *zk.Config) { cfg.Resume = session })
				inst.Address += "x"
				r, err = discovery.New(c, "/d", discovery.Config{}).Resume(t.Context(), inst, d)
				require.NoError(t, err)
				require.Equal(t, path, r.Status().Path)
				require.Equal(t, czxid, r.Status().Czxid)
				synctest.Wait()
				data, there := srv.Get(path)
				require.True(t, there)
				require.Contains(t, string(data), `"address":"`+inst.Address+`"`)
			}
			require.NoError(t, r.Unregister(t.Context()))
			require.False(t, srv.Exists(path))
			_, err = r.Detach(t.Context())
			require.ErrorIs(t, err, recipes.ErrNotHeld)
		})
	}
}

// Serve does not register an instance beside the node that was detached.
func TestDetach_EndsServe(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(clienttest.Connect(t, srv), "/d", discovery.Config{})
		inst := discovery.Instance{Name: "s", ID: "one", Address: "a"}
		r, err := d.Registration(inst)
		require.NoError(t, err)
		served := make(chan error, 1)
		go func() {
			served <- r.Serve(t.Context(), discovery.Gate{Check: func(context.Context) error { return nil }})
		}()
		synctest.Wait()
		from, err := r.Detach(t.Context())
		require.NoError(t, err)
		require.ErrorIs(t, <-served, recipes.ErrDetached)
		require.True(t, srv.Exists(from.Path))
		r, err = d.Resume(t.Context(), inst, from)
		require.NoError(t, err)
		require.NoError(t, r.Unregister(t.Context()))
	})
}

func TestResume_IsRefusedWithTheReason(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		d := discovery.New(clienttest.Connect(t, srv), "/d", discovery.Config{})
		inst := discovery.Instance{Name: "s", ID: "one", Address: "a"}
		r, err := d.Register(t.Context(), inst)
		require.NoError(t, err)
		from, err := r.Detach(t.Context())
		require.NoError(t, err)
		other := discovery.New(clienttest.Connect(t, srv), "/d", discovery.Config{})
		_, err = other.Resume(t.Context(), inst, from)
		require.ErrorIs(t, err, discovery.ErrIDTaken)
		static := inst
		static.Type = discovery.Static
		_, err = d.Resume(t.Context(), static, from)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		wrong := inst
		wrong.ID = "two"
		_, err = d.Resume(t.Context(), wrong, from)
		require.ErrorIs(t, err, zk.ErrBadArguments)
		require.True(t, srv.Exists(from.Path))
		require.NoError(t, srv.Delete(from.Path))
		_, err = d.Resume(t.Context(), inst, from)
		require.ErrorIs(t, err, discovery.ErrDeleted)
	})
}

// The node of another instance is refused, also if its ID begins alike.
func TestResume_SequentialNodeOfAnotherInstance(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		inst := discovery.Instance{Name: "s", ID: "one-more", Address: "a", Type: discovery.DynamicSequential}
		r, err := discovery.New(c, "/d", discovery.Config{}).Register(t.Context(), inst)
		require.NoError(t, err)
		from, err := r.Detach(t.Context())
		require.NoError(t, err)
		d := discovery.New(c, "/d", discovery.Config{})
		for _, id := range []string{"one", "on", "one-more0", "more", "one-more00"} {
			other := inst
			other.ID = id
			_, err := d.Resume(t.Context(), other, from)
			require.ErrorIs(t, err, zk.ErrBadArguments, id)
		}
		r, err = d.Resume(t.Context(), inst, from)
		require.NoError(t, err)
		require.NoError(t, r.Unregister(t.Context()))
	})
}

// Two registrations that rest on one node would delete it under each other. The second is
// refused until the first has detached the node again.
func TestResume_OnlyOnce(t *testing.T) {
	for _, typ := range []discovery.ServiceType{discovery.Dynamic, discovery.DynamicSequential} {
		clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
			c := clienttest.Connect(t, srv)
			inst := discovery.Instance{Name: "s", ID: "one", Address: "a", Type: typ}
			r, err := discovery.New(c, "/d", discovery.Config{}).Register(t.Context(), inst)
			require.NoError(t, err)
			d, err := r.Detach(t.Context())
			require.NoError(t, err)
			for range 3 {
				first, err := discovery.New(c, "/d", discovery.Config{}).Resume(t.Context(), inst, d)
				require.NoError(t, err)
				_, err = discovery.New(c, "/d", discovery.Config{}).Resume(t.Context(), inst, d)
				require.ErrorIs(t, err, recipes.ErrResumed, "two registrations rest on one node")
				require.ErrorContains(t, err, d.Path+": this client has it already")
				require.NoError(t, first.Status().Context.Err())
				d, err = first.Detach(t.Context())
				require.NoError(t, err)
			}
			last, err := discovery.New(c, "/d", discovery.Config{}).Resume(t.Context(), inst, d)
			require.NoError(t, err)
			require.NoError(t, last.Unregister(t.Context()))
			require.False(t, srv.Exists(d.Path))
		})
	}
}
