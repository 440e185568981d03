package ensemble_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
)

func TestStandalone_LosesTheReplyOfWhatItDid(t *testing.T) {
	start := time.Now()
	e := ensemble.Run(t, ensemble.Options{})
	t.Logf("one server started in %v", time.Since(start))
	require.Equal(t, 1, e.Size())
	require.Equal(t, e.Addr(0), e.Servers())
	p := e.Clients(0)
	check := dial(t, e.DirectAddr(0), 10*time.Second)

	c := dial(t, e.Addr(0), 10*time.Second)
	happened, _ := p.SwallowNext(ensemble.Swallow{Ops: []int32{1}, Session: c.session.SessionID, Cut: true})
	c.send(proto.OpCreate2, create("/swallowed", proto.FlagPersistent))
	c.broken()
	receive(t, happened)
	check.call(proto.OpExists, exists("/swallowed"))

	c = dial(t, e.Addr(0), 10*time.Second)
	happened, _ = p.CutAfterForward(ensemble.Swallow{Ops: []int32{1}})
	c.send(proto.OpCreate2, create("/forwarded", proto.FlagPersistent))
	c.broken()
	receive(t, happened)
	require.Eventually(t, func() bool {
		check.send(proto.OpExists, exists("/forwarded"))
		return check.reply().Err == proto.OK
	}, patience, time.Millisecond)

	// A session that was resumed past the silence is gone when its client
	// comes back: the proxy knows what it takes.
	c = dial(t, e.Addr(0), 10*time.Second)
	c.call(proto.OpCreate2, create("/mine", proto.FlagEphemeral))
	thief, err := handshake(t, e.DirectAddr(0), proto.ConnectRequest{
		TimeoutMillis: 10000, SessionID: c.session.SessionID, Password: p.Password(c.session.SessionID),
	})
	require.NoError(t, err)
	thief.call(proto.OpCloseSession, nil)
	check.send(proto.OpExists, exists("/mine"))
	require.Equal(t, proto.NoNode, check.reply().Err)
}

func TestStandalone_KeepsItsPlaceOverRestarts(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{Extra: []string{"maxSessionTimeout=5000"}})
	servers, ctx := e.Servers(), within(t)
	c := dial(t, e.Addr(0), time.Hour)
	require.EqualValues(t, 5000, c.session.TimeoutMillis, "the extra line wins")
	c.call(proto.OpCreate2, create("/kept", proto.FlagPersistent))

	require.NoError(t, e.Kill(0))
	require.Error(t, e.Kill(0))
	require.Error(t, e.Pause(0))
	require.Error(t, e.Ready(ctx))
	c.broken()
	require.NoError(t, e.Start(ctx, 0))
	require.Error(t, e.Start(ctx, 0))
	require.Equal(t, servers, e.Servers())
	dial(t, e.Addr(0), time.Second).call(proto.OpExists, exists("/kept"))

	require.NoError(t, e.Pause(0))
	require.NoError(t, e.Stop(0)) // a frozen one hears it too
	require.NoError(t, e.Start(ctx, 0))
	dial(t, e.Addr(0), time.Second).call(proto.OpExists, exists("/kept"))
}

func TestStandalone_PausedItTakesBytesAndAnswersLater(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	c := dial(t, e.Addr(0), 30*time.Second)
	require.NoError(t, e.Pause(0))
	xid := c.send(proto.OpExists, exists("/"))
	c.silence(200 * time.Millisecond)
	require.NoError(t, e.Resume(0))
	require.Equal(t, xid, c.reply().Xid)
}

func TestStandalone_SaysWhatItCannotDo(t *testing.T) {
	e := ensemble.Run(t, ensemble.Options{})
	ctx := within(t)
	require.True(t, e.Can(ensemble.FaultSwallowReply))
	require.False(t, e.Can(ensemble.FaultIsolate))
	require.False(t, e.Can("to make coffee"))
	require.ErrorContains(t, e.IsolatePeers(0), "no peers")
	require.ErrorContains(t, e.Kill(1), "no member 1")
	_, err := e.FourLetter(ctx, -1, "srvr")
	require.ErrorContains(t, err, "no member -1")
	_, err = e.FourLetter(ctx, 0, "what")
	require.Error(t, err)
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	require.Zero(t, leader)
	for _, word := range []string{"srvr", "wchs", "wchp", "cons", "dump", "mntr"} {
		answer, err := e.FourLetter(ctx, 0, word)
		require.NoError(t, err)
		require.NotContains(t, answer, "not executed")
		require.True(t, word == "wchp" || strings.TrimSpace(answer) != "", word)
	}
	require.NoError(t, e.Close())
	require.NoError(t, e.Close())
}
