package protect_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/clienttest"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
	"github.com/zookit/zookit/zktest"
)

// notGUIDs are strings that stand, or could stand, in the names of other nodes.
func notGUIDs() map[string]string {
	guid := protect.NewGUID()
	return map[string]string{
		"empty": "", "one letter": "n", "dash": "-", "mark": "_c_", "short": guid[:35], "long": guid + "0",
		"marked": "_c_" + guid, "no hex": guid[:35] + "g", "dash in the wrong place": "-" + guid[:8] + guid[9:],
		"31 digits": strings.ReplaceAll(guid, "-", "")[1:], "36 digits": strings.ReplaceAll(guid, "-", "0"),
	}
}

// A string that is no GUID finds nothing and deletes nothing. An empty one would
// match all nodes of the session and, without a session, the whole directory.
func TestFind_RefusesWhatIsNoGUID(t *testing.T) {
	for name, bad := range notGUIDs() {
		t.Run(name, func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv)
				children := func() []string { return srv.Children("/dir") }
				require.NoError(t, srv.Create("/dir", nil))
				for _, node := range []string{"/dir/n-a", "/dir/n-b", "/dir/_c_" + protect.NewGUID() + "-n", "/dir/x" + bad} {
					_, err := c.Create(t.Context(), node, nil, zk.Ephemeral)
					require.NoError(t, err)
				}
				before := children()
				for _, s := range []*zk.Session{nil, c.Session()} {
					requests := srv.Requests()
					_, ok, err := protect.Find(t.Context(), c, s, "/dir", bad)
					require.Zero(t, srv.Requests()-requests, "requests to the server")
					require.ErrorIs(t, err, zk.ErrBadArguments)
					require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err))
					require.ErrorContains(t, err, `"`+bad+`"`)
					require.False(t, ok)
					protect.AbandonGUID(c, s, "/dir", bad)
				}
				time.Sleep(time.Minute)
				require.Equal(t, before, children())
			})
		})
	}
}

// The same, checked by the nodes that it deleted.
func TestFind_LeavesTheDirectoryAlone(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		require.NoError(t, srv.Create("/dir", nil))
		for _, node := range []string{"/dir/a", "/dir/b", "/dir/c"} {
			require.NoError(t, srv.Create(node, nil))
		}
		_, _, _ = protect.Find(t.Context(), c, nil, "/dir", "")
		protect.AbandonGUID(c, nil, "/dir", "")
		time.Sleep(time.Minute)
		require.Equal(t, []string{"a", "b", "c"}, srv.Children("/dir"))
	})
}

// A GUID is found at the beginning of a name, with and without the mark, and
// nowhere else.
func TestFind_MatchesAWholeGUIDAtTheBeginning(t *testing.T) {
	guid := protect.NewGUID()
	digits := strings.ReplaceAll(guid, "-", "")
	for _, tt := range []struct {
		name, guid string
		found      bool
	}{
		{"_c_" + guid + "-lock-0000000001", guid, true},
		{guid + "-lock-0000000001", guid, true},
		{guid, guid, true},
		{digits, digits, true}, // kazoo's lease of a semaphore
		{digits + "__lock__0000000001", digits, true},
		{"_c_" + digits + "-lock-0000000001", digits, true}, // go-zookeeper/zk
		{digits + "0000000001", digits, false},
		{guid + "f-lock-0000000001", guid, false},
		{"n-" + guid, guid, false},
		{"_c__c_" + guid + "-lock-", guid, false},
		{"_c_" + protect.NewGUID() + "-" + guid, guid, false}, // a name that its user chose
	} {
		t.Run(tt.name, func(t *testing.T) {
			clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
				c := clienttest.Connect(t, srv)
				require.NoError(t, srv.Create("/dir", nil))
				_, err := c.Create(t.Context(), "/dir/"+tt.name, nil, zk.Persistent)
				require.NoError(t, err)
				_, ok, err := protect.Find(t.Context(), c, nil, "/dir", tt.guid)
				require.NoError(t, err)
				require.Equal(t, tt.found, ok)
				protect.AbandonGUID(c, nil, "/dir", tt.guid)
				time.Sleep(time.Second)
				require.Equal(t, !tt.found, srv.Exists("/dir/"+tt.name))
			})
		})
	}
}

// A create with a string that is no GUID is refused: its node could not be found
// again.
func TestCreateAs_RefusesWhatIsNoGUID(t *testing.T) {
	clienttest.Bubble(t, 1, func(t *testing.T, srv *zktest.Server) {
		c := clienttest.Connect(t, srv)
		srv.Down(1, true) // it does not wait for a session to say so
		synctest.Wait()
		for name, bad := range notGUIDs() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			_, err := protect.CreateAs(ctx, c, bad, "/n-", nil, zk.EphemeralSequential)
			require.ErrorIs(t, err, zk.ErrBadArguments, name)
			require.Equal(t, zk.OutcomeNotSent, zk.OutcomeOf(err), name)
			cancel()
		}
		srv.Down(1, false)
	})
}

// Every contender of a lock makes a GUID, so it allocates little more than the string.
func TestNewGUID_IsCheap(t *testing.T) {
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() { protect.NewGUID() }), 2.0)
}
