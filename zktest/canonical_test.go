package zktest_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

// canonical formats a reply so that equal replies of the two servers give equal
// texts. Zxids count from the beginning of the run. Of a time it shows only whether
// it is in the run. A session has the number of its client, and children are
// sorted. It shows bytes that it cannot decode in hexadecimal.
func (w *world) canonical(op proto.OpCode, p rawReply) string {
	text := fmt.Sprintf("xid %d zxid %s err %d", p.Xid, w.zxid(p.Zxid), p.Err)
	r := proto.NewReader(p.body)
	if len(p.body) == 0 {
		return text + " no body"
	}
	body := w.body(op, r)
	if err := r.Finish(); err != nil {
		body = fmt.Sprintf("odd body %x", p.body)
	}
	return text + " " + body
}

func (w *world) body(op proto.OpCode, r *proto.Reader) string {
	switch op {
	case proto.OpCreate, proto.OpSync:
		return fmt.Sprintf("path %q", r.String())
	case proto.OpCreate2, proto.OpCreateContainer, proto.OpCreateTTL:
		return fmt.Sprintf("path %q %s", r.String(), w.stat(r))
	case proto.OpExists, proto.OpSetData, proto.OpSetACL:
		return w.stat(r)
	case proto.OpReconfig:
		return w.config(r)
	case proto.OpGetData:
		if w.members != nil {
			return w.config(r)
		}
		data := r.Buffer()
		return fmt.Sprintf("data %q null %v %s", data, data == nil, w.stat(r))
	case proto.OpGetACL:
		acl := r.ACLs()
		slices.SortFunc(acl, func(a, b proto.ACL) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return fmt.Sprintf("acl %v %s", acl, w.stat(r))
	case proto.OpGetChildren:
		return fmt.Sprintf("names %q", sorted(r.Strings()))
	case proto.OpGetChildren2:
		return fmt.Sprintf("names %q %s", sorted(r.Strings()), w.stat(r))
	case proto.OpAddWatch:
		return fmt.Sprintf("code %d", r.Int32())
	case proto.OpMulti:
		return w.multi(r)
	case proto.OpMultiRead:
		return w.items(r, func(op proto.OpCode) string { return w.body(op, r) })
	case proto.OpCountAll:
		return fmt.Sprintf("count %d", r.Int32())
	case proto.OpGetEphemerals:
		return fmt.Sprintf("paths %q", sorted(r.Strings()))
	case proto.OpWhoAmI:
		return fmt.Sprintf("identities %q", w.identities(r.ClientInfos()))
	}
	return fmt.Sprintf("unknown %d bytes", r.Left())
}

// identities formats the identities of a client. Its address differs from world to
// world.
func (w *world) identities(infos []proto.ClientInfo) []string {
	var all []string
	for _, c := range infos {
		if c.Scheme == "ip" && c.User != "" {
			c.User = "address"
		}
		all = append(all, c.Scheme+" "+c.User)
	}
	return sorted(all)
}

// multi formats the items of a multi's reply, each with its header.
func (w *world) multi(r *proto.Reader) string {
	return w.items(r, func(op proto.OpCode) string {
		if op == proto.OpDelete || op == proto.OpCheck {
			return ""
		}
		return w.body(op, r)
	})
}

// items formats the items of the reply to a multi or a multiRead. body formats the
// body of an item that is no error.
func (w *world) items(r *proto.Reader, body func(proto.OpCode) string) string {
	var items []string
	for r.Err() == nil {
		op, done, code := proto.OpCode(r.Int32()), r.Bool(), r.Int32()
		item := fmt.Sprintf("(op %d done %v err %d", op, done, code)
		switch {
		case done:
			return strings.Join(append(items, item+")"), " ")
		case op == proto.OpError:
			item += fmt.Sprintf(" code %d", r.Int32())
		default:
			item += " " + body(op)
		}
		items = append(items, item+")")
	}
	return strings.Join(items, " ")
}

func (w *world) stat(r *proto.Reader) string {
	var s proto.Stat
	s.Decode(r)
	if w.members != nil {
		return w.configStat(&s)
	}
	if s.Version == 0 && s.Ctime != s.Mtime {
		return fmt.Sprintf("never set, but ctime %d and mtime %d", s.Ctime, s.Mtime)
	}
	return fmt.Sprintf("[czxid %s mzxid %s pzxid %s ctime %s mtime %s version %d cversion %d aversion %d owner %s length %d children %d]",
		w.zxid(s.Czxid), w.zxid(s.Mzxid), w.zxid(s.Pzxid), w.time(s.Ctime), w.time(s.Mtime),
		s.Version, s.Cversion, s.Aversion, w.owner(s.EphemeralOwner), s.DataLength, s.NumChildren)
}

func (w *world) zxid(z int64) string {
	switch {
	case z <= 0:
		return fmt.Sprint(z)
	case z < w.base:
		return "old"
	}
	return fmt.Sprintf("+%d", z-w.base)
}

func (w *world) time(ms int64) string {
	if ms == 0 {
		return "0"
	}
	at := time.UnixMilli(ms)
	if at.Before(w.start.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
		return at.String()
	}
	return "now"
}

func (w *world) owner(id int64) string {
	if n, ok := w.sessions[id]; ok {
		return fmt.Sprintf("session-%d", n)
	}
	return fmt.Sprintf("%#x", uint64(id))
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
