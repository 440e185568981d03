package proto

import "math"

// MultiOp is a create of any kind, a delete, a setData or a check. It is the body
// of such a request, or one op of a multi. Op decides which fields are encoded.
type MultiOp struct {
	Op      OpCode
	Path    string
	Data    []byte
	ACL     []ACL
	Flags   int32
	TTL     int64 // in milliseconds
	Version int32
}

// Append appends the body.
func (o *MultiOp) Append(b []byte) []byte { return o.AppendRest(AppendString(b, o.Path)) }

// AppendRest appends the fields behind the path.
func (o *MultiOp) AppendRest(b []byte) []byte {
	switch o.Op {
	case OpDelete, OpCheck:
		return AppendInt32(b, o.Version)
	case OpSetData:
		return AppendInt32(AppendBuffer(b, o.Data), o.Version)
	}
	b = AppendInt32(AppendACLs(AppendBuffer(b, o.Data), o.ACL), o.Flags)
	if o.Op == OpCreateTTL {
		b = AppendInt64(b, o.TTL)
	}
	return b
}

// AppendItem appends one op of a multi. AppendMultiEnd must follow the last op.
func (o *MultiOp) AppendItem(b []byte) []byte {
	return o.Append(multiHeader{op: o.Op, err: -1}.append(b))
}

// multiHeader precedes every item of a multi and of its reply. One more, with
// done set, ends both.
type multiHeader struct {
	op   OpCode
	done bool
	err  ErrCode
}

func (h multiHeader) append(b []byte) []byte {
	return AppendInt32(AppendBool(AppendInt32(b, int32(h.op)), h.done), int32(h.err))
}

func (r *Reader) multiHeader() multiHeader {
	return multiHeader{op: OpCode(r.Int32()), done: r.Bool(), err: ErrCode(r.Int32())}
}

// AppendMultiEnd appends the header that ends a multi and its reply.
func AppendMultiEnd(b []byte) []byte { return multiHeader{op: -1, done: true, err: -1}.append(b) }

// AppendMultiRequest appends the body of a multi.
func AppendMultiRequest(b []byte, ops []MultiOp) []byte {
	for i := range ops {
		b = ops[i].AppendItem(b)
	}
	return AppendMultiEnd(b)
}

// MultiResult is the reply to a MultiOp: the body of a reply, or one item of a
// multi's reply.
//
// In a failed multi every item has Op OpError. Err is the reason in the item of
// the op that failed. It is OK in the items before that (which were rolled back)
// and RuntimeInconsistency in the items after it.
//
// The server chooses Op, which may differ from the request's. 3.8 answers a
// create2 with OpCreate and without a Stat, and it answers createContainer and
// createTTL with OpCreate2.
type MultiResult struct {
	Op   OpCode
	Err  ErrCode
	Path string // of a create
	Stat Stat   // of a create2, createContainer, createTTL or setData
}

// Decode reads the body. The layout depends on Op.
func (p *MultiResult) Decode(r *Reader) {
	switch p.Op {
	case OpError:
		p.Err = ErrCode(r.Int32())
	case OpCreate:
		p.Path = r.String()
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		p.Path = r.String()
		p.Stat.Decode(r)
	case OpSetData:
		p.Stat.Decode(r)
	case OpDelete, OpCheck:
	default:
		r.Fail("op %d inside a multi's reply", p.Op)
	}
}

// MultiResponse reads the body of a multi's reply.
func (r *Reader) MultiResponse() []MultiResult { return r.MultiResponseOf(math.MaxInt) }

// MultiResponseOf reads the body of the reply to a multi of that many ops. If there
// are more results, it stops with an error at the first one too many, so that a short
// message cannot fill the memory.
func (r *Reader) MultiResponseOf(ops int) []MultiResult {
	var out []MultiResult
	for {
		h := r.multiHeader()
		if r.err != nil || h.done {
			return out
		}
		if len(out) == ops {
			r.Fail("more than %d results", ops)
			return nil
		}
		out = append(out, MultiResult{Op: h.op, Err: h.err})
		out[len(out)-1].Decode(r)
	}
}
