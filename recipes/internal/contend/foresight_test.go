package contend

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/zktest"
)

// What a candidate has read beforehand holds if the watch on the predecessor fired
// before the watches on what it has read. It does not matter how late it checks.
func TestForesight_HoldsUntilTheFirstChange(t *testing.T) {
	come := func(srv *zktest.Server) error { return srv.Create("/e/new", nil) }
	name := func(srv *zktest.Server) error { return srv.Set("/e", []byte("next=x")) }
	end := func(srv *zktest.Server) error { return srv.Delete("/e/pred") }
	other := func(srv *zktest.Server) error { return srv.Set("/e/pred", []byte("x")) }
	cut := func(srv *zktest.Server) error { srv.CutConnections(1); return nil }
	for _, c := range []struct {
		name    string
		changes []func(*zktest.Server) error
		holds   bool
	}{
		{"the end alone", []func(*zktest.Server) error{end}, true},
		{"one comes before it", []func(*zktest.Server) error{come, end}, false},
		{"one comes after it", []func(*zktest.Server) error{end, come}, true},
		{"one is named before it", []func(*zktest.Server) error{name, end}, false},
		{"one is named after it", []func(*zktest.Server) error{end, name}, true},
		{"resumed before it", []func(*zktest.Server) error{cut, end}, false},
		{"no end", nil, false},
		{"another change", []func(*zktest.Server) error{other}, true}, // the predecessor goes on: see waiter.look
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{})
				client := srv.Client(t)
				require.NoError(t, srv.Create("/e", []byte("data")))
				require.NoError(t, srv.Create("/e/pred", nil))
				n := &contenderNode{q: New(client, "/e", Latch, recipes.Curator, nil, nil), s: client.Session()}
				_, _, pred, err := client.ExistsW(t.Context(), "/e/pred")
				require.NoError(t, err)
				defer pred.Stop()
				var f foresight
				require.False(t, f.holds(n.s, pred), "before anything is known")
				require.False(t, f.holds(n.s, nil), "without a watch that has fired")
				f.read(t.Context(), n.q, n.s.Resumed())
				require.Equal(t, []string{"pred"}, f.names)
				require.Equal(t, "data", string(f.named))
				for _, change := range c.changes {
					require.NoError(t, change(srv))
					synctest.Wait()
				}
				require.NoError(t, client.Sync(t.Context(), "/")) // connected again, with all events
				require.Equal(t, c.holds, f.holds(n.s, pred))
				f.read(t.Context(), n.q, n.s.Resumed())
				names, _, err := client.Children(t.Context(), "/e")
				require.NoError(t, err)
				require.ElementsMatch(t, names, f.names, "what is read again is new")
				f.stop()
			})
		})
	}
}
