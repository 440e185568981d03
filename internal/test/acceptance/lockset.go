package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/lock"
)

// lockSet is a store outside of ZooKeeper that holds two sets. A writer reads a
// set, adds its item, and writes the whole set back, so writes are lost without a
// lock. The checked set refuses a write whose token is lower than one that it has
// seen. The other set accepts every write.
type lockSet struct {
	l      net.Listener
	served sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	conns   []net.Conn
	sets    map[string][]string
	tokens  map[string]int64 // the highest token that each set has seen
	refused int
}

// The names of the sets.
const (
	checked   = "checked"
	unchecked = "unchecked"
)

// deed is a request to the store, and its reply.
type deed struct {
	Set     string   `json:"set"`
	Token   int64    `json:"token"`
	Write   bool     `json:"write"`
	Items   []string `json:"items"`
	Refused bool     `json:"refused"`
}

func newLockSet() (*lockSet, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("acceptance: store: %w", err)
	}
	s := &lockSet{l: l, sets: map[string][]string{}, tokens: map[string]int64{}}
	s.served.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, nc)
			s.mu.Unlock()
			s.served.Go(func() { s.serve(nc) })
		}
	})
	return s, nil
}

func (s *lockSet) serve(nc net.Conn) {
	in, out := json.NewDecoder(nc), json.NewEncoder(nc)
	for {
		var d deed
		if in.Decode(&d) != nil || out.Encode(s.do(d)) != nil {
			return
		}
	}
}

func (s *lockSet) do(d deed) deed {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A read has the token too. From then on, an older holder cannot write.
	if d.Token < s.tokens[d.Set] && d.Set == checked {
		s.refused++
		d.Refused = true
		return d
	}
	s.tokens[d.Set] = max(s.tokens[d.Set], d.Token)
	if d.Write {
		s.sets[d.Set] = d.Items
	}
	d.Items = s.sets[d.Set]
	return d
}

// missing returns the items that are not in a set.
func (s *lockSet) missing(set string, items []string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(items), func(i string) bool { return slices.Contains(s.sets[set], i) })
}

func (s *lockSet) close() {
	s.l.Close()
	s.mu.Lock()
	for _, nc := range s.conns {
		nc.Close()
	}
	s.mu.Unlock()
	s.served.Wait()
}

// writer adds to both sets under a lock. From the acquisition to the end of the
// write it believes that it is alone, and never checks its context. A holder can do
// nothing worse.
type writer struct {
	contender
	nc  net.Conn
	in  *json.Decoder
	out *json.Encoder
}

const writersLock = "writers"

func (k *writer) run(ctx context.Context) {
	var err error
	if k.nc, err = net.Dial("tcp", k.store); err != nil {
		k.say(report{What: broken, Why: "store: " + err.Error()})
		return
	}
	defer k.nc.Close()
	k.in, k.out = json.NewDecoder(k.nc), json.NewEncoder(k.nc)
	l := lock.New(k.c, locksDir+"/"+writersLock, lock.Config{})
	for n := 0; ctx.Err() == nil; n++ {
		h, err := l.Acquire(ctx)
		if err != nil {
			k.gaveUp(ctx, now(), time.Hour, err)
			continue
		}
		k.add(h, fmt.Sprintf("%d-%d", k.who, n))
		k.release(h)
		pause(ctx, time.Duration(k.rnd.IntN(20))*time.Millisecond)
	}
}

// add reads both sets, pauses, and writes both. The test waits for the report of
// the claim before it stops this process.
func (k *writer) add(h *lock.Held, item string) {
	sets := []string{checked, unchecked}
	var read [2]deed
	for i, set := range sets {
		read[i] = k.ask(deed{Set: set, Token: h.Token()})
	}
	length := time.Duration(k.rnd.IntN(5)) * time.Millisecond
	if k.rnd.IntN(5) == 0 {
		length = 300 * time.Millisecond
	}
	start := now()
	c := claim(k.say, report{Name: writersLock, Token: h.Token(), Hold: length}, h.Context())
	defer c.end()
	time.Sleep(length)
	if stood := now() - start; stood > sessionTimeout && h.Context().Err() == nil {
		k.say(report{What: broken, Why: fmt.Sprintf("stood still for %v, and its context does not know", stood)})
	}
	for i, set := range sets {
		if read[i].Refused {
			continue
		}
		if d := k.ask(deed{Set: set, Token: h.Token(), Write: true, Items: append(read[i].Items, item)}); !d.Refused {
			k.say(report{What: wrote, Name: set, Member: item, Token: h.Token()})
		}
	}
}

func (k *writer) ask(d deed) deed {
	if err := k.out.Encode(d); err != nil {
		k.say(report{What: broken, Why: "store: " + err.Error()})
	}
	if err := k.in.Decode(&d); err != nil {
		k.say(report{What: broken, Why: "store: " + err.Error()})
	}
	return d
}
