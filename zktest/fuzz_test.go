package zktest_test

import (
	"context"
	"encoding/binary"
	"io"
	"testing"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// FuzzConnection sends any bytes after a handshake, or instead of one. The server
// may answer or close the connection. It must still serve other clients.
func FuzzConnection(f *testing.F) {
	hello := (&proto.ConnectRequest{TimeoutMillis: 5000, Password: make([]byte, 16)}).Append(nil)
	f.Add(false, hello)
	f.Add(false, []byte("ruok"))
	f.Add(true, []byte{})
	body := proto.AppendString(nil, "/zookeeper")
	for op := proto.OpCode(-12); op < 110; op++ {
		f.Add(true, append(proto.RequestHeader{Xid: 1, Op: op}.Append(nil), body...))
	}
	f.Add(true, proto.AppendMultiRequest(proto.RequestHeader{Xid: 1, Op: proto.OpMulti}.Append(nil), []proto.MultiOp{
		{Op: proto.OpCreate2, Path: "/a", Flags: 3}, {Op: proto.OpCreateTTL, Path: "/b", TTL: 5}, {Op: proto.OpCheck, Path: "/"},
	}))
	f.Fuzz(func(t *testing.T, handshake bool, frame []byte) {
		s := zktest.Start(t, zktest.Config{})
		nc, err := s.DialContext(context.Background(), "tcp", addr1)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		c := newRawClient(t, nc)
		if handshake {
			c.write(hello)
		}
		c.tryWrite(frame)
		nc.Write(binary.BigEndian.AppendUint32(nil, 1<<31)) // a negative length ends the connection
		io.Copy(io.Discard, nc)
		connect(t, s).create("/alive", "", 0)
	})
}
