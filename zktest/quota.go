package zktest

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// A quota of /a is a pair of nodes: /zookeeper/quota/a/zookeeper_limits, which a client
// writes, and /zookeeper/quota/a/zookeeper_stats, which a client creates and the server
// keeps up to date. Of several quotas above a node only the nearest counts.
const (
	quotaDir  = "/zookeeper/quota"
	limitNode = "/zookeeper_limits"
	statsNode = "/zookeeper_stats"
)

// usage is what quotas count, by name: the data of both nodes.
type usage map[string]int64

const (
	usageCount     = "count"
	usageBytes     = "bytes"
	usageCountHard = "countHardLimit"
	usageBytesHard = "byteHardLimit"
)

// parseUsage parses name=number pairs with commas or semicolons between them. It returns
// false where Apache ZooKeeper fails.
func parseUsage(data []byte) (usage, bool) {
	u := usage{}
	for pair := range strings.FieldsFuncSeq(string(data), func(r rune) bool { return r == ',' || r == ';' }) {
		parts := javaSplit(pair, "=")
		if len(parts) < 2 {
			return nil, false
		}
		n := int64(-1)
		if parts[1] != "" {
			var err error
			if n, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
				return nil, false
			}
		}
		u[parts[0]] = n
	}
	return u, true
}

// get returns a number; -1 if there is none.
func (u usage) get(name string) int64 {
	if n, ok := u[name]; ok {
		return n
	}
	return -1
}

// String returns the data of a node: count and bytes first, then the rest by name, with
// a superfluous sign before it.
func (u usage) String() string {
	text := "count=" + strconv.FormatInt(u.get(usageCount), 10) + ",bytes=" + strconv.FormatInt(u.get(usageBytes), 10)
	if len(u) > 2 {
		text += "="
	}
	for _, name := range slices.Sorted(maps.Keys(u)) {
		if name != usageCount && name != usageBytes {
			text += ";" + name + "=" + strconv.FormatInt(u[name], 10)
		}
	}
	return text
}

// quotaOf returns the path of the nearest node at path or above it that has a quota; ""
// if there is none. The root cannot have one.
func (t *tree) quotaOf(path string) string {
	if len(t.quotas) == 0 {
		return ""
	}
	for path != "" && path != "/" {
		if _, ok := t.quotas[path]; ok {
			return path
		}
		path, _ = split(path)
	}
	return ""
}

// quotaChanged notes that a node was created or deleted that is part of a quota.
func (t *tree) quotaChanged(path string, created bool) {
	rest, ok := strings.CutPrefix(path, quotaDir)
	if !ok {
		return
	}
	if of, ok := strings.CutSuffix(rest, limitNode); ok && of != "" {
		if created {
			t.quotas[of] = struct{}{}
		} else {
			delete(t.quotas, of)
		}
	}
	if of, ok := strings.CutSuffix(rest, statsNode); ok && of != "" && created {
		t.nodes[path].data = []byte(t.usageBelow(of).String())
	}
}

// usageBelow counts a node and all nodes below it.
func (t *tree) usageBelow(path string) usage {
	u := usage{usageCount: 0, usageBytes: 0}
	for p, n := range t.nodes {
		if p == path || strings.HasPrefix(p, path+"/") {
			u[usageCount]++
			u[usageBytes] += int64(len(n.data))
		}
	}
	return u
}

// charge adds to the usage of the quota that a node is under. The version of the node
// with the usage stays, and no watch fires.
func (t *tree) charge(path string, count, bytes int64) {
	of := t.quotaOf(path)
	if of == "" {
		return
	}
	n := t.nodes[quotaDir+of+statsNode]
	if n == nil {
		return
	}
	if u, ok := parseUsage(n.data); ok {
		u[usageCount] = u.get(usageCount) + count
		u[usageBytes] = u.get(usageBytes) + bytes
		n.data = []byte(u.String())
	}
}

// enforcesQuota reports whether writes beyond a quota are refused.
func (s *Server) enforcesQuota() bool { return s.cfg.EnforceQuota && s.cfg.Version.since(V3_7) }

// checkQuota checks a write that adds nodes and bytes. Only hard limits count, and what
// earlier ops of a multi add does not.
func (p *prep) checkQuota(path string, count, bytes int64) proto.ErrCode {
	if !p.quotas {
		return proto.OK
	}
	of := p.tree.quotaOf(path)
	if of == "" {
		return proto.OK
	}
	limits, stats := p.tree.nodes[quotaDir+of+limitNode], p.tree.nodes[quotaDir+of+statsNode]
	limit, ok := parseUsage(limits.data)
	if !ok {
		return proto.MarshallingError
	}
	if stats == nil {
		return proto.OK
	}
	used, ok := parseUsage(stats.data)
	if !ok {
		return proto.MarshallingError
	}
	over := func(hard, name string, more int64) bool {
		return more != 0 && limit.get(hard) > -1 && used.get(name)+more > limit.get(hard)
	}
	if over(usageCountHard, usageCount, count) || over(usageBytesHard, usageBytes, bytes) {
		return proto.QuotaExceeded
	}
	return proto.OK
}
