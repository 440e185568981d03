package zk

import (
	"context"
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

var opMulti = define(operation{
	code: proto.OpMulti, by: byQuorum, noNode: lacksAny,
	decode: func(cl *call, r *proto.Reader) { cl.parts.multi = r.MultiResponseOf(len(cl.parts.ops)) },
	settle: (*call).settleMulti,
})

// Multi runs ops as one transaction: all of them or none. A Multi of no ops does
// nothing.
//
// When the server refuses, the error has OutcomeRejected, the path of the op that
// failed and its reason. The results then give the state of every op. If the
// outcome is unknown, they all are OpUnknown. If nothing was sent, there are none.
func (c *Client) Multi(ctx context.Context, ops ...Op) ([]OpResult, error) {
	if len(ops) == 0 {
		return nil, nil
	}
	r, err := run(ctx, c, c.calls.multiCall(ops), takeMulti)
	if r == nil && OutcomeOf(err) == OutcomeUnknown {
		r = unknownResults(ops)
	}
	return r, err
}

// Multi is Client.Multi.
func (p *Pipeline) Multi(ctx context.Context, ops ...Op) *Future[[]OpResult] {
	return enqueue(ctx, p, p.c.calls.multiCall(ops), takeMulti)
}

// Bind returns op tied to c: any other client's Multi refuses it with
// ErrForeignOp, since under another chroot or on another ensemble the same path
// is another node. Sub-clients of one client with the same chroot count as one client. If as is not nil and this op is the one for which a multi
// fails, errors.Is finds as in the error, beside the server's code.
func (c *Client) Bind(op Op, as error) Op {
	op.owner, op.alias = c.calls, as
	return op
}

func (cs *calls) multiCall(ops []Op) *call {
	cl := cs.newCall(opMulti, "")
	parts := cl.withParts()
	parts.ops = slices.Clone(ops) // needed again when the reply arrives
	for i := range parts.ops {
		o := &parts.ops[i]
		if i == 0 {
			cl.path = o.path
		}
		switch {
		case o.err != nil:
			cl.err = o.err
		case o.kind == 0:
			cl.err = fmt.Errorf("%w: op %d is the zero Op", ErrBadArguments, i)
		case o.owner != nil && !o.owner.same(cs):
			cl.err = ErrForeignOp
		case o.kind == OpCreate && cs.root.checkNameless(o.path) != nil:
			cl.err = cs.root.checkNameless(o.path)
		case cs.inMulti(&o.wire) != nil:
			cl.err = cs.inMulti(&o.wire)
		case o.session != nil && cl.want != nil && o.session != cl.want:
			cl.err = fmt.Errorf("%w: the ops of one multi are of two sessions", ErrBadArguments)
		case o.session != nil:
			cl.want, cl.tied = o.session, true
		}
		if cl.err != nil {
			cl.path = o.path
			return cl
		}
		o.wire.Path = cs.root.full(o.path)
		cl.req.Frame = o.wire.AppendItem(cl.req.Frame)
	}
	cl.req.Frame = proto.AppendMultiEnd(cl.req.Frame)
	return cl
}

// settleMulti finds out whether a multi failed. Its reply header says OK also then.
// The error of the call names the op that failed. settleMulti returns an error if
// the reply does not fit the request.
func (cl *call) settleMulti() error {
	parts := cl.parts
	if len(parts.multi) != len(parts.ops) {
		return fmt.Errorf("%d results of %d ops", len(parts.multi), len(parts.ops))
	}
	for i, p := range parts.multi {
		if p.Op != proto.OpError || p.Err == proto.OK {
			continue
		}
		parts.failed = parts.ops[i].path // not cl.path: a caller that gives up may be reading it
		cl.refuse(Code(p.Err))
		if cl.err == ErrBadVersion {
			cl.err = badVersion(parts.ops[i].wire.Version)
		}
		if alias := parts.ops[i].alias; alias != nil {
			cl.err = fmt.Errorf("%w: %w", alias, cl.err)
		}
		break
	}
	return nil
}

// takeMulti returns the results of the ops of a multi.
func takeMulti(cl *call) []OpResult {
	parts := cl.parts
	out := unknownResults(parts.ops)
	switch {
	case parts.multi == nil && cl.outcome != OutcomeUnknown:
		return nil
	case parts.multi == nil:
		return out
	}
	failed := false
	for i := range out {
		p, o := &parts.multi[i], &out[i]
		o.Stat = Stat(p.Stat)
		o.State = OpDone
		switch {
		case p.Op != proto.OpError:
			if o.Kind == OpCreate {
				o.Path = cl.from.root.strip(p.Path)
				o.Sequence = sequenceBehind(parts.ops[i].path, o.Path)
			}
		case failed:
			o.State = OpNotRun
		case p.Err == proto.OK:
			o.State = OpRolledBack
		default:
			failed = true
			o.State, o.Err = OpFailed, cl.err
		}
	}
	return out
}

func unknownResults(ops []Op) []OpResult {
	out := make([]OpResult, len(ops))
	for i := range ops {
		out[i] = OpResult{Kind: ops[i].kind, Path: ops[i].path}
	}
	return out
}
