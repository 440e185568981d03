package zk

import (
	"fmt"
	"time"

	"github.com/zookit/zookit/zk"
)

// PathVersionRequest names a node and its version.
type PathVersionRequest struct {
	Path    string
	Version int32
}

// The requests of a Multi.
type (
	// CreateRequest creates a node.
	CreateRequest struct {
		Path  string
		Data  []byte
		Acl   []ACL
		Flags int32
	}
	// CreateTTLRequest creates a node with a TTL.
	CreateTTLRequest struct {
		Path  string
		Data  []byte
		Acl   []ACL
		Flags int32
		Ttl   int64 // milliseconds
	}
	// SetDataRequest changes the data of a node.
	SetDataRequest struct {
		Path    string
		Data    []byte
		Version int32
	}
	// DeleteRequest deletes a node.
	DeleteRequest PathVersionRequest
	// CheckVersionRequest checks the version of a node.
	CheckVersionRequest PathVersionRequest
)

// MultiResponse is the result of one request of a Multi.
type MultiResponse struct {
	Stat   *Stat  // of a set
	String string // the path of a create
	Error  error
}

// Multi runs all requests or none: *CreateRequest, *CreateTTLRequest, *SetDataRequest,
// *DeleteRequest, *CheckVersionRequest. If one of them fails, Multi returns its error, and
// its response has it too.
func (c *Conn) Multi(ops ...any) ([]MultiResponse, error) {
	list := make([]zk.Op, len(ops))
	for i, o := range ops {
		op, err := c.op(o)
		if err != nil {
			return nil, err
		}
		list[i] = op
	}
	results, err := c.client.Multi(c.ctx(), list...)
	responses := make([]MultiResponse, len(results))
	for i, r := range results {
		responses[i] = response(r)
	}
	return responses, c.result(err)
}

func response(r zk.OpResult) (m MultiResponse) {
	switch r.State {
	case zk.OpDone:
		m.String = r.Path
		if r.Kind == zk.OpSet {
			m.Stat = fromStat(r.Stat)
		}
	case zk.OpFailed:
		m.Error = translated(r.Err)
	case zk.OpNotRun, zk.OpUnknown:
		m.Error = ErrUnknown
	}
	return m
}

// op returns a request as an op of zookit.
func (c *Conn) op(request any) (zk.Op, error) {
	switch q := request.(type) {
	case *CreateRequest:
		return c.createOp(q.Path, q.Data, q.Flags, q.Acl, 0)
	case *CreateTTLRequest:
		return c.createOp(q.Path, q.Data, q.Flags, q.Acl, time.Duration(q.Ttl)*time.Millisecond)
	case *SetDataRequest:
		return zk.SetOp(q.Path, q.Data, zk.Version(q.Version)), nil
	case *DeleteRequest:
		return zk.DeleteOp(q.Path, zk.Version(q.Version)), nil
	case *CheckVersionRequest:
		return zk.CheckOp(q.Path, zk.Version(q.Version)), nil
	}
	return zk.Op{}, fmt.Errorf("unknown operation type %T", request)
}

func (c *Conn) createOp(path string, data []byte, flag int32, acl []ACL, ttl time.Duration) (zk.Op, error) {
	mode, err := modeOf(flag)
	if err != nil {
		return zk.Op{}, err
	}
	options, err := c.options(mode, acl, ttl)
	if err != nil {
		return zk.Op{}, err
	}
	return zk.CreateOp(path, data, mode, options...), nil
}
