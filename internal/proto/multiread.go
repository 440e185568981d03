package proto

// ReadOp is one read of a multiRead: OpGetData or OpGetChildren.
type ReadOp struct {
	Op OpCode
	PathWatch
}

// AppendItem appends one read of a multiRead. AppendMultiEnd must follow the last.
func (o *ReadOp) AppendItem(b []byte) []byte {
	return o.Append(multiHeader{op: o.Op, err: -1}.append(b))
}

// ReadResult is the result of one read of a multiRead. Its Op is that of the read, or
// OpError: each read succeeds or fails alone.
type ReadResult struct {
	Op    OpCode
	Err   ErrCode
	Data  []byte   // of OpGetData
	Stat  Stat     // of OpGetData
	Names []string // of OpGetChildren
}

// Decode reads the body. The layout depends on Op.
func (p *ReadResult) Decode(r *Reader) {
	switch p.Op {
	case OpError:
		p.Err = ErrCode(r.Int32())
	case OpGetData:
		p.Data = r.Buffer()
		p.Stat.Decode(r)
	case OpGetChildren:
		p.Names = r.Strings()
	default:
		r.Fail("op %d inside a multiRead's reply", p.Op)
	}
}

// MultiReadResponseOf reads the body of the reply to a multiRead of that many reads.
// It stops at the first result more, as MultiResponseOf does.
func (r *Reader) MultiReadResponseOf(reads int) []ReadResult {
	var out []ReadResult
	for {
		h := r.multiHeader()
		if r.err != nil || h.done {
			return out
		}
		if len(out) == reads {
			r.Fail("more than %d results", reads)
			return nil
		}
		out = append(out, ReadResult{Op: h.op, Err: h.err})
		out[len(out)-1].Decode(r)
	}
}
