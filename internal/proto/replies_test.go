package proto_test

import (
	. "github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// These replies have two parts. The client and the embedded server read and append
// the parts one by one. The tests use the whole replies.

// GetDataResponse is the reply of getData.
type GetDataResponse struct {
	Data []byte
	Stat Stat
}

// Append appends the record.
func (p *GetDataResponse) Append(b []byte) []byte {
	return serverproto.AppendStat(AppendBuffer(b, p.Data), p.Stat)
}

// Decode reads the record.
func (p *GetDataResponse) Decode(r *Reader) {
	p.Data = r.Buffer()
	p.Stat.Decode(r)
}

// Children2Response is the reply of getChildren2. That of getChildren is the
// vector alone.
type Children2Response struct {
	Names []string
	Stat  Stat
}

// Append appends the record.
func (p *Children2Response) Append(b []byte) []byte {
	return serverproto.AppendStat(AppendStrings(b, p.Names), p.Stat)
}

// Decode reads the record.
func (p *Children2Response) Decode(r *Reader) {
	p.Names = r.Strings()
	p.Stat.Decode(r)
}

// GetACLResponse is the reply of getACL.
type GetACLResponse struct {
	ACL  []ACL
	Stat Stat
}

// Append appends the record.
func (p *GetACLResponse) Append(b []byte) []byte {
	return serverproto.AppendStat(AppendACLs(b, p.ACL), p.Stat)
}

// Decode reads the record.
func (p *GetACLResponse) Decode(r *Reader) {
	p.ACL = r.ACLs()
	p.Stat.Decode(r)
}
