package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	gozk "github.com/go-zookeeper/zk"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/election"
)

// onDistant is the ensemble behind a link that delays each direction by half of
// roundTrip. The time of a hand-over there is the sum of its round trips.
const (
	onDistant serverKind = "ensemble, 2 ms away"
	roundTrip            = 2 * time.Millisecond
)

// distance has the workloads in which a waiter prepares its turn. Each preparation
// must improve its figure, or its code is not worth keeping. DESIGN.md has the figures
// with and without each preparation.
//
//   - A waiter also watches its predecessor's predecessor. It then needs no list when
//     its predecessor's node is deleted.
//   - The next candidate reads the queue before its turn, and not again at its turn.
//   - The next contender keeps its lease. It need not confirm it after a long wait.
var distance = []workload{
	{"lock, 8 contenders of 5 ms", []serverKind{onDistant}, clients2, contending(8, 5*time.Millisecond)},
	{"election, leader resigns", []serverKind{onDistant}, clients2, resigning(20, 50*time.Millisecond)},
	{"election, leader resigns after 3 s", []serverKind{onDistant}, clients2, resigning(2, 3*time.Second)},
}

// distant starts the ensemble.
func distant(ctx context.Context, jvm []string) (ensemble.Ensemble, error) {
	e, err := ensemble.Start(ctx, ensemble.Options{Size: 3, TickTime: time.Second, JVM: jvm})
	if err != nil {
		return nil, err
	}
	for i := range e.Size() {
		e.Clients(i).Delay(ensemble.ToServer, roundTrip/2)
		e.Clients(i).Delay(ensemble.ToClient, roundTrip/2)
	}
	return e, nil
}

// candidacy waits until the candidate leads, and returns a function that resigns.
type candidacy func() (resign func() error, err error)

// resigning measures the time from the leader's resignation until the waiting
// candidate leads. The leader has led for the given time before.
func resigning(rounds int, leads time.Duration) func(*env, string) (figures, error) {
	return func(e *env, addr string) (figures, error) {
		const timeout = 4 * time.Second
		path := fmt.Sprintf("%s/resign-%d", dir, time.Now().UnixNano())
		servers := strings.Split(addr, ",")
		var both [2]candidacy
		for i := range both {
			campaign, end, err := e.candidate(servers[i%len(servers)], path, timeout)
			if err != nil {
				return nil, err
			}
			defer end()
			both[i] = campaign
		}
		took, err := successions(both, rounds, leads)
		if err != nil {
			return nil, err
		}
		f := figures{}
		f.latencies(took)
		return figures{total: f[p50] / 1000}, nil
	}
}

// successions lets two candidates lead by turns. For each turn it returns the time from
// the start of the resignation until the other candidate leads.
func successions(both [2]candidacy, rounds int, leads time.Duration) ([]time.Duration, error) {
	type term struct {
		resign func() error
		began  time.Time
		err    error
	}
	resign, err := both[0]()
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for round := 1; round <= rounds; round++ {
		next := make(chan term, 1)
		go func() {
			resign, err := both[round%2]()
			next <- term{resign, time.Now(), err}
		}()
		time.Sleep(leads)
		start := time.Now()
		if err := resign(); err != nil {
			return nil, err
		}
		t := <-next
		if t.err != nil {
			return nil, t.err
		}
		took, resign = append(took, t.began.Sub(start)), t.resign
	}
	return took, resign()
}

// candidate opens a candidate's session, at one server.
func (e *env) candidate(addr, path string, timeout time.Duration) (_ candidacy, end func(), err error) {
	if e.client == ours {
		c, err := connectZookit(addr, timeout, nil)
		if err != nil {
			return nil, nil, err
		}
		campaign := func() (func() error, error) {
			l, err := election.New(c, path, election.Config{}).Campaign(background)
			if err != nil {
				return nil, err
			}
			return func() error { return l.Resign(background) }, nil
		}
		return campaign, func() { _ = c.Close(background) }, nil
	}
	c, err := connectGozk(addr, timeout, nil)
	if err != nil {
		return nil, nil, err
	}
	campaign := func() (func() error, error) {
		l := gozk.NewLock(c, path, gozk.WorldACL(gozk.PermAll))
		return l.Unlock, l.Lock()
	}
	return campaign, c.Close, nil
}
