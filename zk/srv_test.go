package zk_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zk"
)

// nameServer answers one question over TCP with SRV records: priority, weight, port
// and target.
func nameServer(nc net.Conn, records []net.SRV) {
	defer nc.Close()
	var size [2]byte
	if _, err := io.ReadFull(nc, size[:]); err != nil {
		return
	}
	q := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(nc, q); err != nil {
		return
	}
	end := 12
	for q[end] != 0 {
		end += 1 + int(q[end])
	}
	b := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, byte(len(records)), 0, 0, 0, 0}, q[12:end+5]...)
	for _, r := range records {
		var name []byte
		for label := range strings.SplitSeq(strings.Trim(r.Target, "."), ".") {
			name = append(append(name, byte(len(label))), label...)
		}
		if r.Target != "." {
			name = append(name, 0)
		}
		b = append(b, 0xc0, 12, 0, 33, 0, 1, 0, 0, 0, 60)
		b = binary.BigEndian.AppendUint16(b, uint16(6+len(name)))
		for _, v := range []uint16{r.Priority, r.Weight, r.Port} {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		b = append(b, name...)
	}
	_, _ = nc.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
}

func TestSRV_RecordsAreServers(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []net.SRV
		want    []string
		err     string
	}{
		{"two", []net.SRV{{Target: "zk1.example.org.", Port: 2181, Priority: 1, Weight: 5}, {Target: "zk2.example.org.", Port: 2281, Priority: 2, Weight: 0}}, []string{"zk1.example.org:2181", "zk2.example.org:2281"}, ""},
		{"no such service", []net.SRV{{Target: ".", Port: 0, Priority: 0, Weight: 0}}, nil, ""},
		{"a bad target", []net.SRV{{Target: "zk1.example.org.", Port: 2181, Priority: 1, Weight: 5}, {Target: "a b.example.org.", Port: 1, Priority: 1, Weight: 1}}, []string{"zk1.example.org:2181"}, ""},
		{"none", nil, nil, "_zookeeper._tcp.example.org"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := net.DefaultResolver
			defer func() { net.DefaultResolver = before }()
			net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
				client, server := net.Pipe()
				go nameServer(server, c.records)
				return client, nil
			}}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			got, err := zk.SRV("_zookeeper._tcp.example.org.")(ctx)
			require.ElementsMatch(t, c.want, got)
			if c.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.err)
		})
	}
}
