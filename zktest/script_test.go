package zktest_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/zktest"
)

// These functions build steps. Paths are below root unless they begin with "=".

func at(path string) string {
	if rest, ok := strings.CutPrefix(path, "="); ok {
		return rest
	}
	return root + path
}

func request(client int, op proto.OpCode, what string, body []byte) step {
	return step{
		client: client, op: op, what: fmt.Sprintf("op %d %s", op, what),
		body: func(*world) []byte { return body },
	}
}

func stCreate(client int, op proto.OpCode, path, data string, flags int32, ttl int64, acl ...proto.ACL) step {
	if acl == nil {
		acl = openACL
	}
	q := proto.MultiOp{Op: op, Path: at(path), Data: []byte(data), ACL: acl, Flags: flags, TTL: ttl}
	return request(client, op, fmt.Sprintf("%q flags %d ttl %d acl %v", path, flags, ttl, acl), q.Append(nil))
}

func stVersion(client int, op proto.OpCode, path string, version int32) step {
	q := proto.MultiOp{Op: op, Path: at(path), Version: version}
	return request(client, op, fmt.Sprintf("%q version %d", path, version), q.Append(nil))
}

func stSet(client int, path, data string, version int32) step {
	q := proto.MultiOp{Op: proto.OpSetData, Path: at(path), Data: []byte(data), Version: version}
	return request(client, proto.OpSetData, fmt.Sprintf("%q version %d", path, version), q.Append(nil))
}

func stRead(client int, op proto.OpCode, path string, watch bool) step {
	q := proto.PathWatch{Path: at(path), Watch: watch}
	return request(client, op, fmt.Sprintf("%q watch %v", path, watch), q.Append(nil))
}

func stPath(client int, op proto.OpCode, path string) step {
	return request(client, op, fmt.Sprintf("%q", path), proto.AppendString(nil, at(path)))
}

func stSetACL(client int, path string, version int32, acl ...proto.ACL) step {
	q := proto.SetACLRequest{Path: at(path), ACL: acl, Version: version}
	return request(client, proto.OpSetACL, fmt.Sprintf("%q version %d %v", path, version, acl), q.Append(nil))
}

func stMode(client int, op proto.OpCode, path string, mode int32) step {
	q := proto.PathMode{Path: at(path), Mode: mode}
	return request(client, op, fmt.Sprintf("%q mode %d", path, mode), q.Append(nil))
}

func stAuth(client int, scheme, credentials string) step {
	q := proto.AuthPacket{Scheme: scheme, Auth: []byte(credentials)}
	return request(client, proto.OpAuth, scheme+" "+credentials, q.Append(nil))
}

func stMulti(client int, ops ...proto.MultiOp) step {
	what := "multi"
	for i := range ops {
		o := &ops[i]
		o.Path = at(o.Path)
		if o.ACL == nil {
			o.ACL = openACL
		}
		what += fmt.Sprintf(" [%d %q flags %d version %d]", o.Op, o.Path, o.Flags, o.Version)
	}
	return request(client, proto.OpMulti, what, proto.AppendMultiRequest(nil, ops))
}

// stSetWatches is a setWatches. Its zxid is an offset from the beginning of the run.
func stSetWatches(client int, op proto.OpCode, offset int64, q proto.SetWatches) step {
	for _, l := range []*[]string{&q.Data, &q.Exist, &q.Child, &q.Persistent, &q.Recursive} {
		for i, path := range *l {
			(*l)[i] = at(path)
		}
	}
	return step{
		client: client, op: op, what: fmt.Sprintf("op %d since +%d %+v", op, offset, q),
		body: func(w *world) []byte {
			q := q
			q.RelativeZxid = w.base + offset
			return q.Append(nil, op)
		},
	}
}

func stConnect(what string, build func(w *world) []byte) step {
	return step{op: stepHandshake, what: "handshake " + what, body: build}
}

// script returns all scripted steps, family by family.
func script(v zktest.Version) []step {
	var all []step
	for _, f := range []func() []step{
		scriptFresh, scriptNodes, scriptCreateModes, scriptPaths, scriptVersions, scriptACLs, scriptMultis,
		scriptSuper, scriptRareReads, scriptMultiReads, scriptWatches, scriptPersistentWatches, scriptSetWatches, scriptOddRequests, scriptSessions,
	} {
		all = append(all, f()...)
	}
	if v == zktest.V3_4 { // it fails internally, and never answers
		all = slices.DeleteFunc(all, func(st step) bool { return st.what == "handshake with a null password" })
	}
	if v == zktest.V3_9 { // the others fail internally if such a check succeeds, and never answer
		all = append(all, stVersion(0, opCheck, "", -1))
	}
	return all
}
