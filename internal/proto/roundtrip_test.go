package proto_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
	"github.com/zookit/zookit/internal/test/recordtest"
)

// TestMulti_AllocatesInProportion holds that memory grows with the bytes. A multi has
// no count of its items, but each item has a header of 9 bytes.
func TestMulti_AllocatesInProportion(t *testing.T) {
	const items = 10_000
	results := make([]MultiResult, items)
	for i := range results {
		results[i].Op = OpCheck
	}
	b := serverproto.AppendMultiResponse(nil, results)
	size := recordtest.Allocated(func() {
		r := NewReader(b)
		if got := r.MultiResponse(); len(got) != items || r.Finish() != nil {
			t.Errorf("%d results, error %v", len(got), r.Err())
		}
	})
	if limit := uint64(64 * len(b)); size > limit {
		t.Errorf("%d bytes allocated for %d, want at most %d", size, len(b), limit)
	}
}

// multiHeader is the header of an item of a multi's reply.
func multiHeader(op OpCode, err ErrCode) []byte {
	return AppendInt32(AppendBool(AppendInt32(nil, int32(op)), false), int32(err))
}

func TestMulti_UnknownOpInTheReply(t *testing.T) {
	for _, op := range []OpCode{0, OpGetData, OpPing, OpCloseSession, 999, math.MinInt32} {
		r := NewReader(AppendMultiEnd(multiHeader(op, -1)))
		r.MultiResponse()
		if err := r.Finish(); !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), itoa(op)) {
			t.Errorf("op %d: error %v, want one that names it", op, err)
		}
	}
}

// TestMulti_ErrorItem has an item with two error codes, one in the header and one in
// the body. The body's code counts, as for other clients.
func TestMulti_ErrorItem(t *testing.T) {
	b := multiHeader(OpError, SystemError)
	b = AppendMultiEnd(AppendInt32(b, int32(BadVersion)))
	r := NewReader(b)
	got := r.MultiResponse()
	if want := []MultiResult{{Op: OpError, Err: BadVersion}}; !reflect.DeepEqual(got, want) || r.Finish() != nil {
		t.Errorf("%+v, %v; want %+v", got, r.Err(), want)
	}
}

func TestConnect_OldPeersOmitReadOnly(t *testing.T) {
	q := ConnectRequest{LastZxidSeen: 1, TimeoutMillis: 2, SessionID: 3, Password: somePass, ReadOnly: true}
	b := q.Append(nil)
	r := NewReader(b[:len(b)-1])
	got := serverproto.DecodeConnectRequest(r)
	q.ReadOnly = false
	if err := r.Finish(); err != nil || !reflect.DeepEqual(got, q) {
		t.Errorf("request: %+v, %v", got, err)
	}
	p := ConnectResponse{TimeoutMillis: 2, SessionID: 3, Password: somePass, ReadOnly: true}
	b = serverproto.AppendConnectResponse(nil, p)
	var back ConnectResponse
	r = NewReader(b[:len(b)-1])
	back.Decode(r)
	p.ReadOnly = false
	if err := r.Finish(); err != nil || !reflect.DeepEqual(back, p) {
		t.Errorf("response: %+v, %v", back, err)
	}
}

// TestFixedSizes checks the constants for sizes, by which other packages cut
// buffers.
func TestFixedSizes(t *testing.T) {
	if n := len(serverproto.AppendStat(nil, someStat)); n != StatLen {
		t.Errorf("Stat has %d bytes, StatLen says %d", n, StatLen)
	}
	if n := len(serverproto.AppendReplyHeader(nil, ReplyHeader{})); n != ReplyHeaderLen {
		t.Errorf("ReplyHeader has %d bytes, ReplyHeaderLen says %d", n, ReplyHeaderLen)
	}
	if n := len(somePass); n != PasswordLen {
		t.Errorf("a password has %d bytes, PasswordLen says %d", n, PasswordLen)
	}
}
