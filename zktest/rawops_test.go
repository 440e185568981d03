package zktest_test

import (
	"fmt"
	"slices"

	"github.com/zookit/zookit/internal/proto"
)

// dataReply and childrenReply are replies of two parts.
type dataReply struct {
	data []byte
	stat proto.Stat
}

func (p *dataReply) Decode(r *proto.Reader) { p.data = r.Buffer(); p.stat.Decode(r) }

type childrenReply struct {
	names []string
	stat  proto.Stat
}

func (p *childrenReply) Decode(r *proto.Reader) { p.names = r.Strings(); p.stat.Decode(r) }

// These are the operations of rawClient. Each returns what most tests need.

func (c *rawClient) createReply(path, data string, flags int32) rawReply {
	c.tb.Helper()
	q := proto.MultiOp{Op: proto.OpCreate2, Path: path, Data: []byte(data), ACL: openACL, Flags: flags}
	return c.do(proto.OpCreate2, q.Append(nil))
}

// create creates a node and returns its path and Stat. It fails the test if the
// server refuses.
func (c *rawClient) create(path, data string, flags int32) (string, proto.Stat) {
	c.tb.Helper()
	p := proto.MultiResult{Op: proto.OpCreate2}
	c.decode(c.createReply(path, data, flags), "create "+path, &p)
	return p.Path, p.Stat
}

func (c *rawClient) delete(path string, version int32) proto.ErrCode {
	c.tb.Helper()
	return c.do(proto.OpDelete, (&proto.MultiOp{Op: proto.OpDelete, Path: path, Version: version}).Append(nil)).Err
}

func (c *rawClient) setReply(path, data string, version int32) rawReply {
	c.tb.Helper()
	return c.do(proto.OpSetData, (&proto.MultiOp{Op: proto.OpSetData, Path: path, Data: []byte(data), Version: version}).Append(nil))
}

func (c *rawClient) set(path, data string) proto.Stat {
	c.tb.Helper()
	var st proto.Stat
	c.decode(c.setReply(path, data, -1), "set "+path, &st)
	return st
}

func (c *rawClient) pathWatch(op proto.OpCode, path string, watch bool) rawReply {
	c.tb.Helper()
	return c.do(op, (&proto.PathWatch{Path: path, Watch: watch}).Append(nil))
}

func (c *rawClient) exists(path string, watch bool) (proto.Stat, bool) {
	c.tb.Helper()
	p := c.pathWatch(proto.OpExists, path, watch)
	if p.Err == proto.NoNode {
		return proto.Stat{}, false
	}
	var st proto.Stat
	c.decode(p, "exists "+path, &st)
	return st, true
}

func (c *rawClient) get(path string, watch bool) (string, proto.Stat) {
	c.tb.Helper()
	var p dataReply
	c.decode(c.pathWatch(proto.OpGetData, path, watch), "get "+path, &p)
	return string(p.data), p.stat
}

func (c *rawClient) children(path string, watch bool) []string {
	c.tb.Helper()
	var p childrenReply
	c.decode(c.pathWatch(proto.OpGetChildren2, path, watch), "children "+path, &p)
	slices.Sort(p.names)
	return p.names
}

func (c *rawClient) sync(path string) rawReply {
	c.tb.Helper()
	return c.do(proto.OpSync, proto.AppendString(nil, path))
}

func (c *rawClient) pathMode(op proto.OpCode, path string, mode int32) proto.ErrCode {
	c.tb.Helper()
	return c.do(op, (&proto.PathMode{Path: path, Mode: mode}).Append(nil)).Err
}

func (c *rawClient) auth(scheme, credentials string) proto.ErrCode {
	c.tb.Helper()
	return c.do(proto.OpAuth, (&proto.AuthPacket{Scheme: scheme, Auth: []byte(credentials)}).Append(nil)).Err
}

func (c *rawClient) closeSession() {
	c.tb.Helper()
	if p := c.do(proto.OpCloseSession, nil); p.Err != proto.OK {
		c.tb.Fatalf("closeSession: %v", p.Err)
	}
}

// decode decodes the whole body of a reply. It fails the test if the reply is an
// error.
func (c *rawClient) decode(p rawReply, what string, into interface{ Decode(*proto.Reader) }) {
	c.tb.Helper()
	if p.Err != proto.OK {
		c.tb.Fatalf("%s: %v", what, p.Err)
	}
	r := proto.NewReader(p.body)
	into.Decode(r)
	if err := r.Finish(); err != nil {
		c.tb.Fatalf("%s: %v", what, err)
	}
}

// wantCode fails the test unless a reply has this code.
func (c *rawClient) wantCode(what string, got, want proto.ErrCode) {
	c.tb.Helper()
	if got != want {
		c.tb.Errorf("%s: %v, want %v", what, got, want)
	}
}

// wantEvents fails the test unless exactly these events have come, in any order. An
// event is written as "Created /a".
func (c *rawClient) wantEvents(want ...string) {
	c.tb.Helper()
	got := []string{}
	for _, e := range c.takeEvents() {
		got = append(got, fmt.Sprintf("%s %s", eventNames[e.Type], e.Path))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.tb.Errorf("events %q, want %q", got, want)
	}
}

var eventNames = map[proto.EventType]string{
	proto.EventCreated:         "Created",
	proto.EventDeleted:         "Deleted",
	proto.EventDataChanged:     "DataChanged",
	proto.EventChildrenChanged: "ChildrenChanged",
}
