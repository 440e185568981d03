package recipes_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/zookit/zookit/internal/test/acceptance"
	"github.com/zookit/zookit/internal/test/ensemble"
)

func TestMain(m *testing.M) {
	acceptance.Worker()
	os.Exit(m.Run())
}

// TestRecipes_AreSafeUnderFaults runs the acceptance suite on a real ensemble. The
// environment sets how long it runs: see acceptance.FromEnv.
func TestRecipes_AreSafeUnderFaults(t *testing.T) {
	p, err := acceptance.FromEnv()
	require.NoError(t, err)
	t.Cleanup(func() { goleak.VerifyNone(t) }) // runs last, after the ensemble has stopped
	e := ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 500 * time.Millisecond, SyncLimit: 5})
	acceptance.Run(t, e, p)
}
