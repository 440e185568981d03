package election_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zktest"
)

// The status of an election that runs: a candidate, the leader, neither while lead
// ignores the loss, a candidate again, idle at the end.
func TestStatus_OfARun(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		first, err := election.New(clienttest.Connect(t, srv), "/leader", election.Config{ID: "first"}).Campaign(t.Context())
		require.NoError(t, err)
		e := election.New(clienttest.Connect(t, srv), "/leader", election.Config{ID: "second"})
		require.Equal(t, election.Status{}, e.Status())
		require.ErrorContains(t, e.Status().Ready(), "neither leader nor candidate")

		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		goOn := make(chan struct{})
		go func() {
			ended <- e.Run(ctx, func(ctx context.Context, _ *election.Leadership) error {
				<-ctx.Done()
				<-goOn
				return nil
			})
		}()
		synctest.Wait()
		require.Equal(t, election.Status{State: election.Campaigning}, e.Status())
		require.NoError(t, e.Status().Ready())

		require.NoError(t, first.Resign(t.Context()))
		synctest.Wait()
		s := e.Status()
		require.Equal(t, election.Leading, s.State)
		require.NotNil(t, s.Leadership)
		require.NoError(t, s.Ready())

		time.Sleep(time.Second)
		require.NoError(t, srv.Delete(s.Leadership.Path()))
		synctest.Wait()
		require.Equal(t, election.Idle, e.Status().State, "lead has not returned")
		require.Error(t, e.Status().Ready())
		close(goOn)
		time.Sleep(time.Minute)
		require.Equal(t, election.Leading, e.Status().State)
		stop()
		<-ended
		require.Equal(t, election.Status{}, e.Status())
	})
}

// A Campaign that has failed is over, also when lead panics.
func TestStatus_AfterFailures(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		e := election.New(clienttest.Connect(t, srv), "/leader", election.Config{})
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := e.Campaign(ended)
		require.Error(t, err)
		require.Equal(t, election.Idle, e.Status().State)
		require.Panics(t, func() {
			_ = e.Run(t.Context(), func(context.Context, *election.Leadership) error { panic("lead") })
		})
		require.Equal(t, election.Idle, e.Status().State)
		l, err := e.Campaign(t.Context())
		require.NoError(t, err)
		require.Equal(t, election.Leading, e.Status().State)
		require.NoError(t, l.Resign(t.Context()))
		require.Equal(t, "idle campaigning leading", election.Idle.String()+" "+election.Campaigning.String()+" "+election.Leading.String())
		require.Equal(t, election.Idle, e.Status().State)
	})
}
