package zktest_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// eachVersion runs f with a server of each version. old is true for 3.8.
func eachVersion(t *testing.T, f func(t *testing.T, s *zktest.Server, old bool)) {
	t.Helper()
	for _, v := range []zktest.Version{zktest.V3_8, zktest.V3_9} {
		t.Run(v.String(), func(t *testing.T) {
			inBubble(t, zktest.Config{Version: v}, func(t *testing.T, s *zktest.Server) { f(t, s, v == zktest.V3_8) })
		})
	}
}

// want fails the test unless got is the answer of the server's version.
func want[T comparable](t *testing.T, what string, got T, old bool, in38, newer T) {
	t.Helper()
	if old {
		newer = in38
	}
	if got != newer {
		t.Errorf("%s: %v, want %v", what, got, newer)
	}
}

func TestVersion_TheDefaultIsTheNewest(t *testing.T) {
	var cfg zktest.Config
	if cfg.Version != zktest.V3_9 || cfg.Version.String() != "3.9" {
		t.Errorf("the default is %v", cfg.Version)
	}
	for _, v := range []zktest.Version{-1, 6, 7} {
		if _, err := zktest.New(zktest.Config{Version: v}); err == nil {
			t.Errorf("%v is accepted", v)
		}
	}
}

// firstWith has the operations that some version does not know, with the first that does.
var firstWith = map[proto.OpCode]zktest.Version{
	opCreate2: zktest.V3_5, opCont: zktest.V3_5, opTTL: zktest.V3_5, opChkW: zktest.V3_5, opRemove: zktest.V3_5, opReconfig: zktest.V3_5,
	opAdd: zktest.V3_6, proto.OpSetWatches2: zktest.V3_6, opMultiRead: zktest.V3_6, opGetEphemerals: zktest.V3_6, opCountAll: zktest.V3_6,
	opWhoAmI: zktest.V3_7,
}

// A version answers an operation that it does not know with Unimplemented, and closes
// the connection. It keeps the connection after one that it knows.
func TestVersion_UnknownOperations(t *testing.T) {
	for _, v := range zktest.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			inBubble(t, zktest.Config{Version: v}, func(t *testing.T, s *zktest.Server) {
				for op, first := range firstWith {
					c := connect(t, s)
					code := c.do(op, nil).Err // without a body: it changes nothing
					if v <= first {
						if code == proto.Unimplemented {
							t.Errorf("%d: %v", op, code)
						}
						c.wantCode("ping", c.do(proto.OpPing, nil).Err, proto.OK)
						continue
					}
					c.wantCode(op.String(), code, proto.Unimplemented)
					if err := c.ended(); err != io.EOF {
						t.Errorf("behind op %d: %v, want EOF", op, err)
					}
				}
			})
		})
	}
}

// Without containers, TTL nodes and create2 a multi that has one is malformed, and
// /zookeeper/config does not exist.
func TestVersion_MultiOfUnknownOps(t *testing.T) {
	inBubble(t, zktest.Config{Version: zktest.V3_4}, func(t *testing.T, s *zktest.Server) {
		c := connect(t, s)
		for _, op := range []proto.OpCode{opCreate2, opCont, opTTL} {
			p := c.do(proto.OpMulti, proto.AppendMultiRequest(nil, []proto.MultiOp{{Op: op, Path: "/a", ACL: openACL}}))
			c.wantCode(op.String(), p.Err, proto.MarshallingError)
		}
		p := c.do(proto.OpMulti, proto.AppendMultiRequest(nil, []proto.MultiOp{{Op: opCreate, Path: "/a", ACL: openACL}}))
		c.wantCode("multi of creates", p.Err, proto.OK)
		if !s.Exists("/a") || s.Exists("/zookeeper/config") {
			t.Errorf("%v", s.Dump())
		}
	})
}

func TestVersion_EventsCarryTheirZxid(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		c := connect(t, s)
		c.exists("/a", true)
		c.children("/", true)
		_, st := c.create("/a", "", 0)
		events := c.takeEvents()
		if len(events) != 2 {
			t.Fatalf("events %v", events)
		}
		for _, e := range events {
			want(t, fmt.Sprintf("zxid of %v", e.WatchEvent), e.zxid, old, -1, st.Czxid)
		}
		// The events of setWatches have none in either version.
		q := proto.SetWatches{Exist: []string{"/a"}}
		c.do(proto.OpSetWatches, q.Append(nil, proto.OpSetWatches))
		for _, e := range c.takeEvents() {
			want(t, "zxid of an event of setWatches", e.zxid, old, -1, -1)
		}
	})
}

// private creates a node that only its owner may read, but every client may change.
func (c *rawClient) private(path string) {
	c.tb.Helper()
	c.wantCode("auth", c.auth("digest", "alice:secret"), proto.OK)
	q := proto.MultiOp{Op: proto.OpCreate2, Path: path, ACL: []proto.ACL{
		acl(proto.PermAll, "digest", aliceID), acl(proto.PermWrite, "world", "anyone"),
	}}
	c.wantCode("create", c.do(proto.OpCreate2, q.Append(nil)).Err, proto.OK)
}

func TestVersion_ExistsNeedsRead(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		owner, stranger := connect(t, s), connect(t, s)
		owner.private("/a")
		p := stranger.pathWatch(proto.OpExists, "/a", true)
		want(t, "exists by a stranger", p.Err, old, proto.OK, proto.NoAuth)
		want(t, "watches left by it", s.Watches(), old, 1, 0)
		if _, ok := owner.exists("/a", false); !ok {
			t.Error("the owner does not see its node")
		}
	})
}

// Both versions send a client no events of nodes that it may not read. Debian's
// 3.8.0 has that fix too.
func TestVersion_EventsOfUnreadableNodesAreFiltered(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, _ bool) {
		owner, stranger := connect(t, s), connect(t, s)
		for _, c := range []*rawClient{owner, stranger} {
			c.exists("/a", true)
			c.wantCode("addWatch", c.pathMode(proto.OpAddWatch, "/", proto.WatchPersistentRecursive), proto.OK)
		}
		owner.private("/a")
		stranger.set("/a", "it may write")
		owner.wantEvents("Created /a", "DataChanged /a")
		stranger.wantEvents()
	})
}

func TestVersion_CheckOutsideOfAMulti(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		c := connect(t, s)
		before := s.Zxid()
		p := c.do(proto.OpCheck, (&proto.MultiOp{Op: proto.OpCheck, Path: "/", Version: 99}).Append(nil))
		want(t, "check", p.Err, old, proto.BadVersion, proto.Unimplemented)
		want(t, "zxids used", s.Zxid()-before, old, 1, 0)
		if old {
			c.set("/", "the connection stays")
		} else if err := c.ended(); err != io.EOF {
			t.Errorf("behind it: %v, want EOF", err)
		}
		c = connect(t, s)
		p = c.do(proto.OpMulti, proto.AppendMultiRequest(nil, []proto.MultiOp{{Op: proto.OpCheck, Path: "/", Version: -1}}))
		c.wantCode("a check inside a multi", p.Err, proto.OK)
	})
}

func TestVersion_Create2InsideAMulti(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		c := connect(t, s)
		multi := func(flags int32) (rawReply, []proto.MultiResult) {
			p := c.do(proto.OpMulti, proto.AppendMultiRequest(nil, []proto.MultiOp{
				{Op: proto.OpCreate2, Path: "/a", ACL: openACL, Flags: flags},
			}))
			return p, proto.NewReader(p.body).MultiResponse()
		}
		p, results := multi(77)
		want(t, "a multi with bad flags", p.Err, old, proto.OK, proto.MarshallingError)
		if old && (len(results) != 1 || results[0].Err != proto.BadArguments) {
			t.Errorf("results %v, want one of %v", results, proto.BadArguments)
		}
		_, results = multi(proto.FlagPersistent)
		if len(results) != 1 {
			t.Fatalf("results %v", results)
		}
		want(t, "the kind of the result", results[0].Op, old, proto.OpCreate, proto.OpCreate2)
		want(t, "the Stat's czxid", results[0].Stat.Czxid, old, 0, s.Zxid())
	})
}

func TestVersion_MalformedWritesUseNoZxid(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		c := connect(t, s)
		for _, op := range []proto.OpCode{proto.OpCreate, proto.OpCreateTTL, proto.OpDelete, proto.OpSetData, proto.OpSetACL, proto.OpMulti} {
			before := s.Zxid()
			c.wantCode(op.String(), c.do(op, nil).Err, proto.MarshallingError)
			in39 := int64(0)
			if op == proto.OpMulti {
				in39 = 1 // the exception
			}
			want(t, fmt.Sprintf("zxids used by op %d", op), s.Zxid()-before, old, 1, in39)
		}
	})
}

// watching registers a one-shot, persistent or recursive watch.
func (c *rawClient) watching(path string, modes ...string) {
	c.tb.Helper()
	for _, mode := range modes {
		switch mode {
		case "data":
			c.get(path, true)
		case "child":
			c.children(path, true)
		case "persistent":
			c.wantCode("addWatch", c.pathMode(proto.OpAddWatch, path, proto.WatchPersistent), proto.OK)
		case "recursive":
			c.wantCode("addWatch", c.pathMode(proto.OpAddWatch, path, proto.WatchPersistentRecursive), proto.OK)
		default:
			c.tb.Fatal(errors.New(mode))
		}
	}
}

func TestVersion_WatchModesOnOnePath(t *testing.T) {
	eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
		c := connect(t, s)
		c.create("/a", "", 0)
		c.watching("/a", "persistent", "data")
		c.set("/a", "1")
		c.wantEvents("DataChanged /a") // one event for two watches
		c.set("/a", "2")
		if old { // the one-shot has replaced the persistent one
			c.wantEvents()
		} else {
			c.wantEvents("DataChanged /a")
		}

		c = connect(t, s)
		c.watching("/a", "persistent", "recursive")
		c.create("/a/b", "", 0)
		if old { // the recursive one has replaced the persistent one
			c.wantEvents("Created /a/b")
		} else {
			c.wantEvents("Created /a/b", "ChildrenChanged /a")
		}
	})
}

func TestVersion_RemoveWatches(t *testing.T) {
	const none = proto.NoWatcher
	for _, test := range []struct {
		name        string
		modes       []string
		typ         int32
		in38, newer proto.ErrCode
		left38      int // watches, as Server.Watches counts them
		left        int
	}{
		{"data of a data watch", []string{"data"}, proto.RemoveData, proto.OK, proto.OK, 0, 0},
		{"children of a data watch", []string{"data"}, proto.RemoveChildren, none, none, 1, 1},
		{"data of a persistent one", []string{"persistent"}, proto.RemoveData, proto.OK, none, 1, 2},
		{"data of both", []string{"data", "persistent"}, proto.RemoveData, proto.OK, proto.OK, 1, 2},
		{"children of a recursive one", []string{"recursive"}, proto.RemoveChildren, proto.OK, none, 1, 1},
		{"persistent of a data watch", []string{"data"}, proto.RemovePersistent, proto.MarshallingError, none, 1, 1},
		{"persistent of both", []string{"persistent", "data"}, proto.RemovePersistent, proto.MarshallingError, proto.OK, 2, 1},
		{"recursive of a persistent one", []string{"persistent"}, proto.RemoveRecursive, proto.MarshallingError, none, 2, 2},
		{"recursive of both", []string{"persistent", "recursive"}, proto.RemoveRecursive, proto.MarshallingError, proto.OK, 2, 2},
		{"any of all", []string{"persistent", "recursive", "data", "child"}, proto.RemoveAny, proto.OK, proto.OK, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachVersion(t, func(t *testing.T, s *zktest.Server, old bool) {
				c, other := connect(t, s), connect(t, s)
				c.create("/a", "", 0)
				c.watching("/a", test.modes...)
				code := c.pathMode(proto.OpCheckWatches, "/a", test.typ)
				want(t, "checkWatches", code, old, test.in38, test.newer)
				if test.newer == proto.OK && test.in38 == proto.OK { // in 3.8 the watches of other clients count
					code = other.pathMode(proto.OpCheckWatches, "/a", test.typ)
					want(t, "checkWatches of another session", code, old, proto.OK, none)
				}
				code = c.pathMode(proto.OpRemoveWatches, "/a", test.typ)
				want(t, "removeWatches", code, old, test.in38, test.newer)
				want(t, "watches left", s.Watches(), old, test.left38, test.left)
			})
		})
	}
}
