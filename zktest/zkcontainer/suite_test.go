package zkcontainer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/acceptance"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zktest/zkcontainer"
)

// suite is an ensemble of containers for the acceptance suite, with a proxy for faults
// before every member.
type suite struct {
	*zkcontainer.Ensemble
	tick      time.Duration
	syncLimit int
	proxies   []*ensemble.Proxy
}

var _ ensemble.Ensemble = (*suite)(nil)

func newSuite(t *testing.T, tick time.Duration, syncLimit int) *suite {
	t.Helper()
	s := &suite{tick: tick, syncLimit: syncLimit}
	s.Ensemble = zkcontainer.RunT(t, zkcontainer.Members(3), zkcontainer.FourLetterWords("*"),
		zkcontainer.TTLNodes(), zkcontainer.Tick(tick), zkcontainer.Limits(20, syncLimit))
	for i := range s.Size() {
		p, err := ensemble.NewProxy(s.DirectAddr(i))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, p.Close()) })
		s.proxies = append(s.proxies, p)
	}
	return s
}

func (s *suite) Addr(i int) string             { return s.proxies[i].Addr() }
func (s *suite) DirectAddr(i int) string       { return s.Ensemble.Addr(i) }
func (s *suite) Direct() string                { return s.Ensemble.Servers() }
func (s *suite) Clients(i int) *ensemble.Proxy { return s.proxies[i] }
func (s *suite) Tick() time.Duration           { return s.tick }
func (s *suite) SyncLimit() int                { return s.syncLimit }

func (s *suite) Servers() string {
	var all []string
	for i := range s.proxies {
		all = append(all, s.Addr(i))
	}
	return strings.Join(all, ",")
}

func (s *suite) Leader(ctx context.Context) (int, error) { return s.Ensemble.Leader(ctx) }

func (s *suite) AwaitLeader(ctx context.Context, except ...int) (int, error) {
	return s.Ensemble.Leader(ctx, except...)
}

// Can reports which faults are possible. The engine disconnects a network in both
// directions at once, and it cannot delay packets.
func (s *suite) Can(f ensemble.Fault) bool {
	switch f {
	case ensemble.FaultKill, ensemble.FaultPause, ensemble.FaultClients, ensemble.FaultSwallowReply, ensemble.FaultIsolate:
		return true
	}
	return false
}

func (s *suite) Kill(i int) error         { return bounded(s.Ensemble.Kill, i) }
func (s *suite) Stop(i int) error         { return bounded(s.Ensemble.Stop, i) }
func (s *suite) Pause(i int) error        { return bounded(s.Ensemble.Pause, i) }
func (s *suite) Resume(i int) error       { return bounded(s.Unpause, i) }
func (s *suite) IsolatePeers(i int) error { return bounded(s.Ensemble.IsolatePeers, i) }
func (s *suite) HealPeers(i int) error    { return bounded(s.Ensemble.HealPeers, i) }

func (s *suite) ResetPeers(i int) error {
	return fmt.Errorf("reset the peers' links of member %d: %w", i, errors.ErrUnsupported)
}

func (s *suite) CutPeers(from, to int, _ bool) error {
	return fmt.Errorf("cut what %d sends to %d: %w", from, to, errors.ErrUnsupported)
}

func (s *suite) DelayPeers(from, to int, _ time.Duration) error {
	return fmt.Errorf("delay what %d sends to %d: %w", from, to, errors.ErrUnsupported)
}

func bounded(do func(context.Context, int) error, i int) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return do(ctx, i)
}

// The same suite as on local processes, here on containers.
func TestRecipes_AreSafeUnderFaults(t *testing.T) {
	e := newSuite(t, 500*time.Millisecond, 5)
	acceptance.Run(t, e, acceptance.Params{
		Contenders: 16, Faults: 1, Acquisitions: 50, Cuts: 1, Restarts: 1, Delays: 1,
		Seed: uint64(time.Now().UnixNano()),
	})
}
