package zkkrb5

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

// aTicket returns a ticket that no KDC has issued. Its parts have the right shapes.
func aTicket() *ticket {
	key := types.EncryptionKey{KeyType: 18, KeyValue: make([]byte, 32)}
	name := types.NewPrincipalName(1, "alice")
	return &ticket{client: name, realm: "R", key: key, ends: time.Now().Add(time.Hour), ticket: messages.Ticket{
		TktVNO: 5, Realm: "R", SName: types.NewPrincipalName(2, "zookeeper/localhost"), EncPart: types.EncryptedData{EType: 18, Cipher: make([]byte, 64)},
	}}
}

// A server may send anything. The client neither panics nor believes it.
func FuzzAnswers(f *testing.F) {
	_, request, err := aTicket().request()
	require.NoError(f, err)
	f.Add([]byte("garbage"), []byte{})
	f.Add(request, request) // a server that sends back what it got
	f.Add(append(append([]byte{0x60, 0x30}, beforeRequest[:11]...), 0x02, 0x00, 0x6f, 0x20, 0x30), []byte{5, 4, 1, 0xff, 0, 12})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		tokens := [][]byte{first, second, {}}
		err := aTicket().authenticate(func([]byte) ([]byte, error) {
			next := tokens[0]
			tokens = tokens[1:]
			return next, nil
		})
		require.ErrorIs(t, err, zk.ErrAuthFailed)
		// Even if it had given the proof, it would get no further by this.
		_, err = wrapKey{key: aTicket().key}.noLayer(second)
		require.Error(t, err)
	})
}

// A login that hangs holds up nobody for longer than its context, is not begun a second
// time, and its ticket is used once it is there.
func TestTickets_ALoginThatHangs(t *testing.T) {
	goOn, began := make(chan struct{}), make(chan struct{}, 2)
	want := aTicket()
	ts := tickets{login: func(string) (*ticket, error) {
		began <- struct{}{}
		<-goOn
		return want, nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 2 {
		_, err := ts.get(ctx, "zookeeper/localhost")
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, zk.ErrAuthFailed)
	}
	close(goOn)
	got, err := ts.get(t.Context(), "zookeeper/localhost")
	require.NoError(t, err)
	require.Same(t, want, got)
	require.Len(t, began, 1)
}

// A ticket is asked for again when it is about to end, or after the server has refused
// it. A login that failed is tried again.
func TestTickets_AreReplaced(t *testing.T) {
	logins, fails := 0, true
	ts := tickets{login: func(string) (*ticket, error) {
		if logins++; fails {
			return nil, errors.New("no KDC")
		}
		return aTicket(), nil
	}}
	get := func() *ticket {
		got, err := ts.get(t.Context(), "zookeeper/localhost")
		require.Equal(t, fails, err != nil)
		return got
	}
	get()
	fails = false
	first := get()
	require.Same(t, first, get())
	ts.drop("zookeeper/localhost", first)
	second := get()
	require.NotSame(t, first, second)
	ts.drop("zookeeper/localhost", first) // an old refusal
	require.Same(t, second, get())
	second.ends = time.Now().Add(leastLeft - time.Second)
	require.NotSame(t, second, get())
	require.Equal(t, 4, logins)
}
