package proto

import "math"

// MultiOp is a create of any kind, delete, setData or check: the body of such a
// request, or one op of a multi. What Op has no use for is left out; a TTL is in
// milliseconds.
type MultiOp struct {
	Op      OpCode
	Path    string
	Data    []byte
	ACL     []ACL
	Flags   int32
	TTL     int64
	Version int32
}

// Append appends the body.
func (o *MultiOp) Append(b []byte) []byte { return o.AppendRest(AppendString(b, o.Path)) }

// AppendRest appends what comes behind the path.
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

// AppendItem appends it as an op of a multi; AppendMultiEnd follows the last.
func (o *MultiOp) AppendItem(b []byte) []byte {
	return o.Append(multiHeader{op: o.Op, err: -1}.append(b))
}

// multiHeader comes before every item of a multi and its reply, and ends both.
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

// AppendMultiEnd appends what ends a multi and its reply.
func AppendMultiEnd(b []byte) []byte { return multiHeader{op: -1, done: true, err: -1}.append(b) }

// AppendMultiRequest appends the body of a multi.
func AppendMultiRequest(b []byte, ops []MultiOp) []byte {
	for i := range ops {
		b = ops[i].AppendItem(b)
	}
	return AppendMultiEnd(b)
}

// MultiResult is the reply to a MultiOp: that of the request alone, or one item
// of a multi's reply. In a failed multi every item has
// Op OpError, and Err is OK for the ops before the failing one (rolled back),
// the reason for the failing one, RuntimeInconsistency for those after it.
//
// Op is the server's and need not be the request's: 3.8 answers a create2 as
// OpCreate, so without a Stat, and createContainer and createTTL as OpCreate2.
type MultiResult struct {
	Op   OpCode
	Err  ErrCode
	Path string // of a create
	Stat Stat   // of a create2, createContainer, createTTL or setData
}

// Decode takes the body as Op has it.
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

// MultiResponse takes the body of a multi's reply.
func (r *Reader) MultiResponse() []MultiResult { return r.MultiResponseOf(math.MaxInt) }

// MultiResponseOf takes the body of the reply to a multi of so many ops. It stops
// at the first result beyond them: a result takes nine bytes on the wire and far
// more in memory.
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
