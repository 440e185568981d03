package zktest

import (
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/serverproto"
)

// configNode is the path of the node that has the configuration of the ensemble.
const configNode = "/zookeeper/config"

// reconfig changes the configuration of the ensemble. Like every failed transaction a
// refused one uses a zxid, unless it is malformed.
func (q *call) reconfig() proto.ErrCode {
	req := serverproto.DecodeReconfig(&q.r)
	if q.r.Err() != nil {
		return proto.MarshallingError
	}
	s := q.c.server
	zxid := s.nextZxid()
	next, code := s.nextConfig(&req)
	if code != proto.OK {
		return code
	}
	p := q.prep()
	if n, _ := p.record(configNode); !p.allowed(n.acl, proto.PermWrite) {
		return proto.NoAuth
	}
	next.version = zxid
	s.config = next
	x := txn{op: proto.OpSetData, path: configNode, data: []byte(next.String()), version: -1}
	stat := s.commit(&x, zxid, time.Now().UnixMilli()).stat()
	q.out = serverproto.AppendStat(proto.AppendBuffer(q.out, x.data), stat)
	return proto.OK
}

// nextConfig returns the configuration that a request asks for. The order of its checks
// is that of Apache ZooKeeper. mu is held.
func (s *Server) nextConfig(q *proto.Reconfig) (*quorumConfig, proto.ErrCode) {
	switch {
	case !s.cfg.ReconfigEnabled:
		return nil, proto.ReconfigDisabled
	case s.config == nil:
		return nil, proto.Unimplemented
	case q.Version != -1 && q.Version != s.config.version:
		return nil, proto.BadVersion
	}
	var next *quorumConfig
	var code proto.ErrCode
	if q.NewMembers != nil {
		next, code = parseQuorumConfig(string(q.NewMembers))
	} else {
		next, code = s.config.changed(string(q.Joining), string(q.Leaving))
	}
	if code != proto.OK {
		return nil, code
	}
	voters := next.voters()
	if len(voters) < 2 {
		return nil, proto.BadArguments
	}
	if s.synced(voters) <= len(voters)/2 {
		return nil, proto.NewConfigNoQuorum
	}
	return next, proto.OK
}

// synced returns how many of the servers are members that run and follow the leader.
func (s *Server) synced(ids []int64) int {
	n := 0
	for _, id := range ids {
		if id >= 1 && id <= int64(len(s.members)) && !s.members[id-1].refuses() && s.members[id-1].link == linked {
			n++
		}
	}
	return n
}
