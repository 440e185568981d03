package ensemble

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/proto"
)

func TestPing_IsFoundAmongOtherPackets(t *testing.T) {
	packet := func(kind int32, data []byte) []byte {
		b := proto.AppendInt32(nil, kind)
		b = proto.AppendInt64(b, 5) // a zxid that looks like the type of a PING
		if data == nil {
			b = proto.AppendInt32(b, -1)
		} else {
			b = append(proto.AppendInt32(b, int32(len(data))), data...)
		}
		return proto.AppendInt32(b, -1)
	}
	ping, commit, proposal := packet(5, nil), packet(4, nil), packet(2, []byte("data"))
	for name, c := range map[string]struct {
		bytes []byte
		found bool
	}{
		"nothing":                {nil, false},
		"a PING":                 {ping, true},
		"half a PING":            {ping[:len(ping)-1], false},
		"other packets":          {append(bytes.Clone(commit), proposal...), false},
		"behind other packets":   {append(append(bytes.Clone(commit), proposal...), ping...), true},
		"before another packet":  {append(bytes.Clone(ping), commit...), true},
		"a follower's PING":      {packet(5, []byte("touched sessions")), false},
		"a commit of zxid 5 + 1": {append(bytes.Clone(commit), 0, 0, 0, 5), false},
	} {
		require.Equal(t, c.found, hasPing(c.bytes), name)
	}
}
