package zk

import (
	"context"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

var opMultiRead = define(operation{
	code: proto.OpMultiRead, lacking: Compat3_5, read: true, noNode: lacksAny,
	decode: func(cl *call, r *proto.Reader) { cl.other = r.MultiReadResponseOf(len(cl.parts.reads)) },
	settle: (*call).settleMultiRead,
})

// ReadOp is one read of a MultiRead. GetOp and ChildrenOp make them.
type ReadOp struct {
	code proto.OpCode
	path string
}

// GetOp reads the data and the Stat of a node.
func GetOp(path string) ReadOp { return ReadOp{proto.OpGetData, path} }

// ChildrenOp reads the names of a node's children. Unlike Children it gets no Stat:
// the protocol has none there.
func ChildrenOp(path string) ReadOp { return ReadOp{proto.OpGetChildren, path} }

// ReadResult is the result of one read of a MultiRead.
type ReadResult struct {
	Path  string   // as in the ReadOp
	Data  []byte   // of a GetOp; nil if the node has null data
	Stat  Stat     // of a GetOp
	Names []string // of a ChildrenOp, in no order; the names share memory
	Err   error    // an *OpError if the server refused this read
}

// MultiRead sends several reads in one request, and returns their results in the
// order of ops. A MultiRead of no ops does nothing.
//
// Each read succeeds or fails alone: its error, such as ErrNoNode or ErrNoAuth, is in
// its result. The error of MultiRead itself says that there are no results at all.
//
// It is no transaction. The server may apply a write between two of the reads. A
// Pipeline of Gets is as fast and can set watches. A MultiRead sets none, and saves the
// server some work for each request. Its reply must fit into Config.MaxReplySize as a whole.
//
// It needs a server from 3.6 on. An older server answers ErrUnimplemented and closes
// the connection. The client resumes the session, as after any lost connection.
func (c *Client) MultiRead(ctx context.Context, ops ...ReadOp) ([]ReadResult, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	return run(ctx, c, c.calls.multiReadCall(ops), takeMultiRead)
}

// MultiRead is Client.MultiRead. Of no ops it sends an empty request, to keep its
// place in the order.
func (p *Pipeline) MultiRead(ctx context.Context, ops ...ReadOp) *Future[[]ReadResult] {
	return enqueue(ctx, p, p.c.calls.multiReadCall(ops), takeMultiRead)
}

func (cs *calls) multiReadCall(ops []ReadOp) *call {
	cl := cs.newCall(opMultiRead, "")
	parts := cl.withParts()
	parts.reads = slices.Clone(ops) // needed again when the reply arrives
	for i, o := range parts.reads {
		if i == 0 {
			cl.path = o.path
		}
		cl.err = ValidatePath(o.path)
		if o.code == 0 {
			cl.err = fmt.Errorf("%w: op %d is the zero ReadOp", ErrBadArguments, i)
		}
		if cl.err != nil {
			cl.path = o.path
			return cl
		}
		item := proto.ReadOp{Op: o.code, PathWatch: proto.PathWatch{Path: cs.root.full(o.path)}}
		cl.req.Frame = item.AppendItem(cl.req.Frame)
	}
	cl.req.Frame = proto.AppendMultiEnd(cl.req.Frame)
	return cl
}

// settleMultiRead checks that the results fit the reads. If every node is missing,
// the chroot may be missing.
func (cl *call) settleMultiRead() error {
	results := takeOther[[]proto.ReadResult](cl)
	if len(results) != len(cl.parts.reads) {
		return fmt.Errorf("%d results of %d reads", len(results), len(cl.parts.reads))
	}
	missing := 0
	for i, p := range results {
		switch {
		case p.Op == proto.OpError && p.Err == proto.OK:
			return fmt.Errorf("read %d failed with the code OK", i)
		case p.Op != proto.OpError && p.Op != cl.parts.reads[i].code:
			return fmt.Errorf("a result of %v for read %d, which is %v", p.Op, i, cl.parts.reads[i].code)
		case p.Err == proto.NoNode:
			missing++
		}
	}
	cl.absent = missing > 0 && missing == len(results)
	return nil
}

func takeMultiRead(cl *call) []ReadResult {
	results := takeOther[[]proto.ReadResult](cl)
	if results == nil || cl.err != nil {
		return nil
	}
	out := make([]ReadResult, len(results))
	for i, p := range results {
		o := cl.parts.reads[i]
		out[i] = ReadResult{Path: o.path, Data: p.Data, Stat: Stat(p.Stat), Names: p.Names}
		if p.Op == proto.OpError {
			out[i].Err = o.refused(Code(p.Err), cl.from.core.auth)
		}
	}
	return out
}

// refused returns the error of a read that the server refused.
func (o ReadOp) refused(code Code, auth *authList) error {
	e := &OpError{Op: o.code.String(), Path: o.path, Outcome: OutcomeRejected, Err: code}
	if code == ErrNoAuth {
		e.Err = auth.noAuth()
	}
	if !code.verdict() {
		e.Outcome = OutcomeUnknown
	}
	return e
}
