package ensemble

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

// announce returns the first message of a server on an election connection.
func announce(version int64, addr string) []byte {
	b := proto.AppendInt64(nil, version)
	b = proto.AppendInt64(b, 2)
	return proto.AppendString(b, addr)
}

func TestAnnouncement_IsRewrittenWithItsLength(t *testing.T) {
	const back = "127.0.0.1:40404"
	for _, addr := range []string{"127.0.0.1:9", "127.0.0.1:65535", "127.0.0.1:1024|127.0.0.2:1024", ""} {
		for _, version := range []int64{-65536, -65535} {
			in := append(announce(version, addr), "notification"...)
			split := announcement(back)
			var out []byte
			// One byte at a time: the message may arrive in any pieces.
			for n, taken := 1, 0; n <= len(in); n++ {
				c, used := split(in[taken:n])
				taken += used
				out = append(out, c.data...)
			}
			require.Equal(t, append(announce(version, back), "notification"...), out)
		}
	}
}

func TestAnnouncement_AnythingElsePasses(t *testing.T) {
	for _, in := range [][]byte{
		proto.AppendInt32(proto.AppendInt64(proto.AppendInt64(nil, 2), 0), 40), // no version: an old server's id
		proto.AppendInt32(proto.AppendInt64(proto.AppendInt64(nil, -65536), 2), -5),
		proto.AppendInt32(proto.AppendInt64(proto.AppendInt64(nil, -65536), 2), 1<<30),
	} {
		c, used := announcement("127.0.0.1:1")(in)
		require.Equal(t, in, c.data)
		require.Equal(t, len(in), used)
	}
}

func TestFrames_AcceptsWholeFramesOnly(t *testing.T) {
	split := frames()
	b := []byte{0, 0, 0, 2, 'a', 'b', 0, 0, 0, 0, 0, 0, 0}
	c, used := split(b[:5])
	require.Zero(t, used)
	require.Nil(t, c.data)
	c, used = split(b)
	require.Equal(t, 6, used)
	require.True(t, c.framed)
	c, used = split(b[6:])
	require.Equal(t, 4, used)
	require.True(t, c.framed)
	_, used = split(b[10:])
	require.Zero(t, used)
}

func TestFrames_GivesUpOnWhatIsNone(t *testing.T) {
	for _, b := range [][]byte{[]byte("srvr"), {0xff, 0xff, 0xff, 0xff}, {0, 0x10, 0, 1}} {
		split := frames()
		for range 2 {
			c, used := split(b)
			require.Equal(t, b, c.data)
			require.Equal(t, len(b), used)
			require.False(t, c.framed)
		}
	}
}
