package core_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/acceptance"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
)

// A service that has a lock, a leadership and a membership is restarted over and over.
// Each process is one of its own, and hands what it has to the next one over a pipe.

// handoverEnv has the connect string for a process of the service.
const handoverEnv = "ZOOKIT_HANDOVER"

// ticket is what one process gives to the next. Empty: there was none before.
type ticket struct {
	Session []byte           `json:"session,omitempty"`
	Lock    recipes.Detached `json:"lock"`
	Lead    recipes.Detached `json:"lead"`
	Member  recipes.Detached `json:"member"`
}

// tenure is a hold in a process: it was held from Begin to End at least.
type tenure struct {
	What       string
	Token      int64
	Begin, End time.Duration // acceptance.Now, which is one clock for all processes
	Moved      bool          // it was resumed
}

// service is one process.
type service struct {
	c    *zk.Client
	lock *lock.Held
	lead *election.Leadership
	m    *groupmembership.Membership
	held []tenure
}

// handover makes this process one of the service if it was started as one, and does not
// return then.
func handover() {
	servers := os.Getenv(handoverEnv)
	if servers == "" {
		return
	}
	if err := serveHandover(servers); err != nil {
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveHandover reads a ticket, takes over what is in it, and reports that. The next line
// of the input tells it to detach everything; then it reports its tenures and a ticket.
func serveHandover(servers string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var t ticket
	if err := in.Decode(&t); err != nil {
		return err
	}
	s, err := begin(ctx, servers, t)
	if err != nil {
		return err
	}
	if err := out.Encode(s.lock.Token()); err != nil {
		return err
	}
	var again bool // release the lock and queue for it again
	if err := in.Decode(&again); err != nil {
		return err
	}
	if again {
		if err := s.queueAgain(ctx); err != nil {
			return err
		}
	}
	t, err = s.detach(ctx)
	if err != nil {
		return err
	}
	return out.Encode(struct {
		Ticket ticket
		Held   []tenure
	}{t, s.held})
}

func (s *service) began(what string, token int64, moved bool) {
	s.held = append(s.held, tenure{What: what, Token: token, Begin: acceptance.Now(), Moved: moved})
}

// ends is called before a hold ends by itself. It fails if the hold was lost.
func (s *service) ends(what string, hold context.Context) error {
	at := acceptance.Now()
	if hold.Err() != nil {
		return fmt.Errorf("%s was lost: %w", what, context.Cause(hold))
	}
	for i := range s.held {
		if s.held[i].What == what && s.held[i].End == 0 {
			s.held[i].End = at
		}
	}
	return nil
}

func begin(ctx context.Context, servers string, t ticket) (s *service, err error) {
	cfg := zk.Config{Servers: servers, SessionTimeout: 8 * time.Second}
	moved := t.Session != nil
	if moved {
		if cfg.Resume, err = zk.ParseDetachedSession(t.Session); err != nil {
			return nil, err
		}
	}
	s = &service{}
	if s.c, err = zk.Connect(ctx, cfg); err != nil {
		return nil, err
	}
	l, e, g := lock.New(s.c, "/lock", lock.Config{}), election.New(s.c, "/lead", election.Config{ID: "service"}), groupmembership.New(s.c, "/group", groupmembership.Config{})
	if moved {
		s.lock, err = l.Resume(ctx, t.Lock)
	} else {
		s.lock, err = l.Acquire(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.began("lock", s.lock.Token(), moved)
	if moved {
		s.lead, err = e.Resume(ctx, t.Lead)
	} else {
		s.lead, err = e.Campaign(ctx)
	}
	if err != nil {
		return nil, err
	}
	s.began("lead", s.lead.Token(), moved)
	if data := []byte(strconv.Itoa(os.Getpid())); moved {
		s.m, err = g.Resume(ctx, "service", t.Member, data)
	} else {
		s.m, err = g.Join(ctx, "service", data)
	}
	return s, err
}

// queueAgain lets the others have the lock once.
func (s *service) queueAgain(ctx context.Context) (err error) {
	if err := s.ends("lock", s.lock.Context()); err != nil {
		return err
	}
	if err := s.lock.Release(ctx); err != nil {
		return err
	}
	if s.lock, err = lock.New(s.c, "/lock", lock.Config{}).Acquire(ctx); err == nil {
		s.began("lock", s.lock.Token(), false)
	}
	return err
}

func (s *service) detach(ctx context.Context) (t ticket, err error) {
	if err := s.ends("lock", s.lock.Context()); err != nil {
		return t, err
	}
	if t.Lock, err = s.lock.Detach(ctx); err != nil {
		return t, err
	}
	if err := s.ends("lead", s.lead.Context()); err != nil {
		return t, err
	}
	if t.Lead, err = s.lead.Detach(ctx); err != nil {
		return t, err
	}
	if t.Member, err = s.m.Detach(ctx); err != nil {
		return t, err
	}
	d, err := s.c.Detach(ctx)
	if err == nil {
		t.Session = d.Marshal()
	}
	return t, err
}

// running is a process of the service, as the test sees it.
type running struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

// launch starts a process, which waits for its ticket.
func launch(t *testing.T, servers string) *running {
	self, err := os.Executable()
	require.NoError(t, err)
	p := &running{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), handoverEnv+"="+servers)
	p.cmd.Stderr = os.Stderr
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.out = json.NewDecoder(bufio.NewReader(out))
	require.NoError(t, p.cmd.Start())
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() }) // no error counts: it has ended
	return p
}

func (p *running) say(t *testing.T, x any) { require.NoError(t, json.NewEncoder(p.in).Encode(x)) }

// rivals contend for the lock and the leadership until ctx ends.
func rivals(ctx context.Context, c *zk.Client, record func(tenure)) *sync.WaitGroup {
	var work sync.WaitGroup
	for range 2 {
		work.Go(func() {
			for ctx.Err() == nil {
				h, err := lock.New(c, "/lock", lock.Config{}).Acquire(ctx)
				if err != nil {
					continue
				}
				tn := tenure{What: "lock", Token: h.Token(), Begin: acceptance.Now()}
				tn.End = acceptance.Now()
				record(tn)
				_ = h.Release(context.WithoutCancel(ctx))
			}
		})
	}
	work.Go(func() {
		l, err := election.New(c, "/lead", election.Config{ID: "rival"}).Campaign(ctx)
		if err == nil {
			tn := tenure{What: "lead", Token: l.Token(), Begin: acceptance.Now()}
			tn.End = acceptance.Now()
			record(tn)
			_ = l.Resign(context.WithoutCancel(ctx))
		}
	})
	return &work
}

// TestCore_ServiceIsReplacedWithoutLosingAnything runs ZOOKIT_HANDOVER_ROUNDS rounds. In
// each, a process with a lock, a leadership and a membership is replaced by another one
// while others contend. No two hold at a time, by the clock and by the token, and an
// observer of the group sees no gap.
func TestCore_ServiceIsReplacedWithoutLosingAnything(t *testing.T) {
	rounds := 10
	if v := os.Getenv("ZOOKIT_HANDOVER_ROUNDS"); v != "" {
		var err error
		rounds, err = strconv.Atoi(v)
		require.NoError(t, err)
	}
	e := ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 500 * time.Millisecond})
	servers := e.Direct()
	var mu sync.Mutex
	var all []tenure
	record := func(held ...tenure) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, held...)
	}

	p := launch(t, servers)
	p.say(t, ticket{})
	var token int64
	require.NoError(t, p.out.Decode(&token))
	watcher := connect(t, servers)
	gaps := make(chan zk.Event, 1)
	sub, err := watcher.Subscribe(t.Context(), "/group", zk.Recursive())
	require.NoError(t, err)
	member, there, err := watcher.Exists(t.Context(), "/group/service")
	require.NoError(t, err)
	require.True(t, there)
	var watch sync.WaitGroup
	watching, unwatch := context.WithCancel(t.Context())
	watch.Go(func() {
		for e := range sub.Events(watching) {
			if e.Type == zk.EventDeleted {
				select {
				case gaps <- e:
				default:
				}
			}
		}
	})
	ctx, stop := context.WithCancel(t.Context())
	others := rivals(ctx, connect(t, servers), func(tn tenure) { record(tn) })
	defer func() { stop(); unwatch(); others.Wait(); watch.Wait() }()

	session, times := int64(0), []time.Duration{}
	for round := range rounds {
		next := launch(t, servers)
		again := round%5 == 4
		p.say(t, again)
		var last struct {
			Ticket ticket
			Held   []tenure
		}
		require.NoError(t, p.out.Decode(&last), "round %d", round)
		start := time.Now()
		next.say(t, last.Ticket)
		require.NoError(t, p.cmd.Wait())
		var got int64
		require.NoError(t, next.out.Decode(&got), "round %d", round)
		times = append(times, time.Since(start))
		record(last.Held...)
		require.Equal(t, last.Ticket.Lock.Token, got, "the token is unchanged")
		d, err := zk.ParseDetachedSession(last.Ticket.Session)
		require.NoError(t, err)
		require.Equal(t, cmp.Or(session, d.ID()), d.ID(), "it is one session")
		session, p = d.ID(), next
		require.Empty(t, gaps, "round %d: the observer sees a gap in the membership", round)
		// If the observer was without its connection for a while, it has seen no events.
		now, _, err := watcher.Exists(t.Context(), "/group/service")
		require.NoError(t, err)
		require.Equal(t, member.Czxid, now.Czxid, "round %d: the member's node is another one", round)
	}
	slices.Sort(times)
	t.Logf("%d rounds; from the ticket to the next hold: median %v, longest %v", rounds, times[len(times)/2], times[len(times)-1])
	stop()
	others.Wait()
	mu.Lock()
	defer mu.Unlock()
	checkTenures(t, all, rounds)
}

// A process that has taken the session over is stopped, and somebody starts another one
// with the same ticket. That one is refused, also on another server, and takes nothing
// away. The stopped process goes on with what it has.
func TestCore_StoppedProcessKeepsItsSession(t *testing.T) {
	servers := ensemble.Run(t, ensemble.Options{Size: 3, TickTime: 500 * time.Millisecond}).Direct()
	var last struct{ Ticket ticket }
	var token int64
	first, second := launch(t, servers), launch(t, servers)
	first.say(t, ticket{})
	require.NoError(t, first.out.Decode(&token))
	first.say(t, false)
	require.NoError(t, first.out.Decode(&last))
	second.say(t, last.Ticket)
	require.NoError(t, second.out.Decode(&token))

	require.NoError(t, ensemble.PauseProcess(second.cmd.Process))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for range 3 {
		d, err := zk.ParseDetachedSession(last.Ticket.Session)
		require.NoError(t, err)
		_, err = zk.Connect(ctx, zk.Config{Servers: servers, SessionTimeout: 8 * time.Second, Resume: d})
		require.ErrorIs(t, err, zk.ErrMoved)
	}
	require.NoError(t, ensemble.ResumeProcess(second.cmd.Process))
	second.say(t, false)
	require.NoError(t, second.out.Decode(&last), "it has detached its holds, which were not lost")
	require.Equal(t, token, last.Ticket.Lock.Token)
	require.NoError(t, second.cmd.Wait())
}

// checkTenures checks that no two hold at a time, and that tokens grow.
func checkTenures(t *testing.T, all []tenure, rounds int) {
	moved, rival := 0, 0
	for _, what := range []string{"lock", "lead"} {
		held := slices.DeleteFunc(slices.Clone(all), func(h tenure) bool { return h.What != what })
		slices.SortFunc(held, func(a, b tenure) int { return cmp.Compare(a.Begin, b.Begin) })
		for i, h := range held {
			require.NotZero(t, h.End)
			if h.Moved {
				moved++
			}
			if i == 0 {
				continue
			}
			before := held[i-1]
			require.Greater(t, h.Begin, before.End, "%s: two hold at a time: %+v, %+v", what, before, h)
			require.GreaterOrEqual(t, h.Token, before.Token, "%s: a token has become smaller", what)
			if h.Token == before.Token {
				require.True(t, h.Moved, "%s: a new hold has an old token", what)
			} else {
				rival++
			}
		}
	}
	require.GreaterOrEqual(t, moved, 2*(rounds-1))
	require.GreaterOrEqual(t, rival, rounds/5, "others have held the lock meanwhile")
}
