package core_test

import (
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// readOnlyEnsemble is an ensemble whose servers serve reads when they have no quorum.
func readOnlyEnsemble(t *testing.T) (ensemble.Ensemble, context.Context) {
	t.Helper()
	e := ensemble.Run(t, ensemble.Options{
		Size: 3, SyncLimit: 5,
		JVM: []string{"-Dreadonlymode.enabled=true"},
		// Without local sessions a read-only server opens none.
		Extra: []string{"localSessionsEnabled=true", "localSessionsUpgradingEnabled=true"},
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return e, ctx
}

// readOnly also bounds the pauses of the search, which are up to 5 s by default.
func readOnly(timeout time.Duration) func(*zk.Config) {
	return func(cfg *zk.Config) {
		cfg.ReadOnly, cfg.SessionTimeout = true, timeout
		cfg.BackOff = func() backoff.BackOff { return backoff.NewConstantBackOff(200 * time.Millisecond) }
	}
}

func awaitReadOnly(t *testing.T, ctx context.Context, e ensemble.Ensemble, member int) {
	t.Helper()
	for {
		text, err := e.FourLetter(ctx, member, "isro")
		require.NoError(t, ctx.Err())
		if err == nil && text == "ro" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// greet makes one handshake, and returns the answer.
func greet(t *testing.T, addr string, q proto.ConnectRequest) (p proto.ConnectResponse, err error) {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	require.NoError(t, nc.SetDeadline(time.Now().Add(20*time.Second)))
	if q.Password == nil {
		q.Password = make([]byte, proto.PasswordLen)
	}
	q.TimeoutMillis = 30_000
	_, err = nc.Write(proto.EndFrame(q.Append(proto.BeginFrame(nil)), 0))
	require.NoError(t, err)
	body, err := proto.ReadFrame(nc, nil, 1<<20)
	if err == nil {
		r := proto.NewReader(body)
		p.Decode(r)
		err = r.Finish()
	}
	return p, err
}

func TestCore_ReadOnlyMode(t *testing.T) {
	e, ctx := readOnlyEnsemble(t)
	t.Run("two of three servers are killed", func(t *testing.T) { quorumIsKilled(t, ctx, e) })
	t.Run("one server is cut off", func(t *testing.T) { minorityIsLeft(t, ctx, e) })
}

// quorumIsKilled kills two of three servers. The third one serves reads. When there is a
// quorum again the clients move to it.
func quorumIsKilled(t *testing.T, ctx context.Context, e ensemble.Ensemble) {
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	left, other := (leader+1)%3, (leader+2)%3
	writer := connect(t, e.Direct())
	_, err = writer.Create(ctx, "/n", []byte("x"), zk.Persistent)
	require.NoError(t, err)
	hasty, patient := connect(t, e.Servers(), readOnly(2*time.Second)), connect(t, e.Servers(), readOnly(40*time.Second))
	for name, c := range map[string]*zk.Client{"/hasty": hasty, "/patient": patient} {
		_, err = c.Create(ctx, name, nil, zk.Ephemeral)
		require.NoError(t, err)
	}
	kept, givenUp := patient.Session(), hasty.Session()
	guard, release, err := givenUp.Guard(ctx)
	require.NoError(t, err)
	defer release()
	require.NoError(t, e.Kill(leader))
	require.NoError(t, e.Kill(other))
	awaitReadOnly(t, ctx, e, left)
	_, err = greet(t, e.DirectAddr(left), proto.ConnectRequest{})
	require.ErrorIs(t, err, io.EOF, "a client that wants to write")
	_, err = greet(t, e.DirectAddr(left), proto.ConnectRequest{SessionID: kept.ID(), ReadOnly: true})
	require.ErrorIs(t, err, io.EOF, "a session of the quorum")

	fresh := connect(t, e.Servers(), readOnly(4*time.Second))
	for name, c := range map[string]*zk.Client{"new client": fresh, "client that had a session": hasty} {
		n, err := c.Get(ctx, "/n")
		require.NoError(t, err, name)
		require.Equal(t, "x", string(n.Data), name)
		require.Equal(t, zk.StateReadOnly, c.State(), name)
		_, err = c.Set(ctx, "/n", []byte("y"), zk.AnyVersion)
		require.ErrorIs(t, err, zk.ErrNotReadOnly, name)
		require.Equal(t, zk.OutcomeRejected, zk.OutcomeOf(err), name)
		require.ErrorIs(t, c.Sync(ctx, "/"), zk.ErrNotReadOnly, name)
		_, _, err = c.Session().Guard(ctx)
		require.ErrorIs(t, err, zk.ErrNotReadOnly, name)
	}
	require.ErrorIs(t, context.Cause(guard), zk.ErrLeaseLapsed)
	require.NotEqual(t, zk.StateReadOnly, patient.State())

	require.NoError(t, e.Start(ctx, other))
	for name, c := range map[string]*zk.Client{"new client": fresh, "client that had a session": hasty, "client that kept its session": patient} {
		_, err := c.Set(ctx, "/n", []byte(name), zk.AnyVersion)
		for err != nil { // it has not moved yet
			require.True(t, zk.OutcomeOf(err) != zk.OutcomeUnknown || c == patient, "%s: %v", name, err)
			require.NoError(t, c.Ready(ctx), name)
			_, err = c.Set(ctx, "/n", []byte(name), zk.AnyVersion)
		}
		s, err := c.AwaitSession(ctx)
		require.NoError(t, err, name)
		require.False(t, s.ReadOnly(), name)
		_, free, err := s.Guard(ctx)
		require.NoError(t, err, name)
		free()
	}
	require.Same(t, kept, patient.Session())
	require.NotEqual(t, givenUp.ID(), hasty.Session().ID())
	for {
		_, there, err := patient.Exists(ctx, "/hasty")
		require.NoError(t, err)
		if !there {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, there, err := hasty.Exists(ctx, "/patient")
	require.NoError(t, err)
	require.True(t, there)
	require.NoError(t, e.Start(ctx, leader))
}

// minorityIsLeft cuts one server from the two others, which go on. It has no word on
// sessions, and a client that could reach only this one leaves it for the others.
func minorityIsLeft(t *testing.T, ctx context.Context, e ensemble.Ensemble) {
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	alone := (leader + 1) % 3
	require.NoError(t, e.IsolatePeers(alone))
	awaitReadOnly(t, ctx, e, alone)
	writer := connect(t, e.DirectAddr(leader))
	_, err = writer.Create(ctx, "/e", nil, zk.Ephemeral)
	require.NoError(t, err)
	p, err := greet(t, e.DirectAddr(alone), proto.ConnectRequest{SessionID: writer.Session().ID(), ReadOnly: true})
	require.NoError(t, err)
	require.True(t, p.ReadOnly)
	require.Zero(t, p.TimeoutMillis, "it says that a session has expired that it does not know")

	for i := range e.Size() {
		e.Clients(i).Refuse(i != alone)
	}
	c := connect(t, e.Servers(), readOnly(4*time.Second))
	require.Equal(t, zk.StateReadOnly, c.State())
	_, there, err := c.Exists(ctx, "/e")
	require.NoError(t, err)
	require.False(t, there, "it lags behind")
	old := c.Session()
	for i := range e.Size() {
		e.Clients(i).Refuse(false)
	}
	require.NoError(t, c.Ready(ctx))
	require.ErrorIs(t, context.Cause(old.Context()), zk.ErrSessionExpired)
	require.NotEqual(t, e.Addr(alone), c.Stats().Server)
	_, there, err = c.Exists(ctx, "/e")
	require.NoError(t, err)
	require.True(t, there)
	require.NoError(t, e.HealPeers(alone))
}
