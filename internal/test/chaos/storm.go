package chaos

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Storm disturbs a server. One goroutine calls its methods. It uses the server's
// OnRequest hook.
type Storm struct {
	srv     *zktest.Server
	servers int
	rnd     *rand.Rand
	lasting []fault

	mu    sync.Mutex // leaf lock; guards fates
	fates []fate
}

// fault is a lasting fault of one server.
type fault struct {
	kind   string
	server int
	set    func(on bool)
}

// fate is the verdict on some of the next requests.
type fate struct {
	ops     []string // the affected operations; empty: all
	left    int      // the verdict begins with this request, counted from now
	times   int      // number of affected requests
	verdict zktest.Verdict
}

// reads are the operations of a round of reads.
var reads = []string{"get", "children", "exists"}

// New returns a Storm for a server of so many members. It causes no fault yet.
func New(srv *zktest.Server, servers int, rnd *rand.Rand) *Storm {
	s := &Storm{srv: srv, servers: servers, rnd: rnd}
	srv.OnRequest(s.judge)
	return s
}

// judge is the server's OnRequest hook.
func (s *Storm) judge(r zktest.Request) zktest.Verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.fates {
		f := &s.fates[i]
		if len(f.ops) > 0 && !slices.Contains(f.ops, r.Op) {
			continue
		}
		if f.left--; f.left > 0 {
			continue
		}
		v := f.verdict
		if f.times--; f.times <= 0 {
			s.fates = slices.Delete(s.fates, i, i+1)
		}
		return v
	}
	return zktest.Pass
}

// Step causes one fault, or ends a lasting one. On average one or two faults last
// at a time.
func (s *Storm) Step() {
	if n := len(s.lasting); n > 0 && s.rnd.IntN(3) == 0 {
		s.end(s.rnd.IntN(n))
		return
	}
	server := 1 + s.rnd.IntN(s.servers)
	switch s.rnd.IntN(12) {
	case 0, 1:
		s.srv.CutConnections(server)
	case 2:
		if ids := s.srv.Sessions(); len(ids) > 0 {
			_ = s.srv.ExpireSession(ids[s.rnd.IntN(len(ids))]) // an error: the session has just ended
		}
	case 3:
		s.begin("down", server, func(on bool) { s.srv.Down(server, on) })
	case 4:
		s.begin("silence", server, func(on bool) { s.srv.Silence(server, on) })
	case 5:
		s.begin("silent replies", server, func(on bool) { s.srv.SilenceReplies(server, on) })
	case 6:
		slow := time.Duration(s.rnd.IntN(400)) * time.Millisecond
		s.begin("delay", server, func(on bool) {
			if on {
				s.srv.Delay(server, slow)
			} else {
				s.srv.Delay(server, 0)
			}
		})
	case 7:
		if s.servers > 1 {
			s.begin("cut from the leader", s.servers, func(on bool) { s.srv.CutFromLeader(s.servers, on) })
		}
	case 8:
		s.spoil(nil, 8)
	case 9:
		s.spoil([]string{"addWatch", "setWatches", "removeWatches", "sync"}, 2)
	default:
		// In the middle of a round that reads everything.
		s.spoil(reads, 30)
		if s.rnd.IntN(2) == 0 {
			s.srv.CutConnections(server)
		}
	}
}

// begin begins a lasting fault, or ends it if it has begun already.
func (s *Storm) begin(kind string, server int, set func(on bool)) {
	i := slices.IndexFunc(s.lasting, func(f fault) bool { return f.kind == kind && f.server == server })
	if i >= 0 {
		s.end(i)
		return
	}
	set(true)
	s.lasting = append(s.lasting, fault{kind, server, set})
}

func (s *Storm) end(i int) {
	s.lasting[i].set(false)
	s.lasting = slices.Delete(s.lasting, i, i+1)
}

// spoil lets up to three requests fail. The first is one of the next within
// requests of the given operations.
func (s *Storm) spoil(ops []string, within int) {
	verdicts := []zktest.Verdict{
		zktest.DropReply, zktest.DropReplyAndCut, zktest.CutBefore, zktest.Hang,
		zktest.CutReplyAfter(s.rnd.IntN(60)), zktest.RawReply([]byte("nonsense")),
		zktest.Fail(int32(zk.ErrThrottled)), zktest.Fail(int32(zk.ErrSystemError)),
		zktest.Fail(int32(zk.ErrConnectionLoss)), zktest.Fail(int32(zk.ErrOperationTimeout)),
		zktest.Fail(int32(zk.ErrSessionExpired)), zktest.Fail(int32(zk.ErrSessionMoved)),
	}
	s.Spoil(verdicts[s.rnd.IntN(len(verdicts))], within, ops...)
}

// Spoil makes v the verdict on up to three requests. The first is one of the next
// within requests of the given operations.
func (s *Storm) Spoil(v zktest.Verdict, within int, ops ...string) {
	f := fate{ops: ops, left: 1 + s.rnd.IntN(within), times: 1 + s.rnd.IntN(3), verdict: v}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fates = append(s.fates, f); len(s.fates) > 4 {
		s.fates = s.fates[1:]
	}
}

// Calm ends all faults. Clients still need time to connect again.
func (s *Storm) Calm() {
	for len(s.lasting) > 0 {
		s.end(0)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fates = nil
}
