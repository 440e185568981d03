package acceptance

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
)

const (
	groupDir    = "/group"
	servicesDir = "/services"
	service     = "work" // the one service of servicesDir
)

// member joins a group, or registers as an instance of a service, under a new id
// each time. It updates its data, and leaves.
type member struct {
	contender
	times int
}

// stay is one membership, or one registration.
type stay struct {
	update func(ctx context.Context, data string) error
	status func() groupmembership.Status
	leave  func(ctx context.Context) error
}

func (k *member) join(ctx context.Context, id string) (string, *stay, error) {
	if k.times%2 == 0 {
		m, err := groupmembership.New(k.c, groupDir, groupmembership.Config{}).Join(ctx, id, nil)
		if err != nil {
			return groupDir, nil, err
		}
		return groupDir, &stay{
			func(ctx context.Context, data string) error { return m.Update(ctx, []byte(data)) }, m.Status, m.Leave,
		}, nil
	}
	r, err := discovery.New(k.c, servicesDir, discovery.Config{}).Register(ctx, discovery.Instance{Name: service, ID: id})
	if err != nil {
		return servicesDir, nil, err
	}
	return servicesDir, &stay{
		func(ctx context.Context, data string) error {
			return r.Update(ctx, func(i *discovery.Instance) { i.Address = data })
		}, func() groupmembership.Status { return asMember(r.Status()) }, r.Unregister,
	}, nil
}

// asMember converts the status of an instance to that of a member.
func asMember(s discovery.Status) groupmembership.Status {
	return groupmembership.Status{
		State: groupmembership.State(s.State), Since: s.Since, Err: s.Err,
		Path: s.Path, Czxid: s.Czxid, Session: s.Session, Context: s.Context,
	}
}

// run goes on until ctx ends.
func (k *member) run(ctx context.Context) {
	for ctx.Err() == nil {
		k.times++
		k.one(ctx, fmt.Sprintf("%d-%d", k.who, k.times))
		pause(ctx, time.Duration(k.rnd.IntN(1000))*time.Millisecond)
	}
}

// one makes one stay.
func (k *member) one(ctx context.Context, id string) {
	patience := 20 * time.Second
	if k.rnd.IntN(6) == 0 { // gives up at random
		patience = time.Duration(1+k.rnd.IntN(300)) * time.Millisecond
	}
	joining, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	start := now()
	name, s, err := k.join(joining, id)
	k.inTime("join", start, patience, err)
	if err != nil {
		if !forgivable(joining, err) {
			k.say(report{What: broken, Why: name + ": join: " + err.Error()})
		}
		return
	}
	k.say(report{What: joined, Member: id, Name: name})
	until := now() + time.Duration(500+k.rnd.IntN(8000))*time.Millisecond
	for ctx.Err() == nil && now() < until {
		k.update(ctx, name, id, s)
		pause(ctx, time.Duration(50+k.rnd.IntN(300))*time.Millisecond)
	}
	k.say(report{What: left, Member: id, Name: name})
	leaving, cancelLeave := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancelLeave()
	if err := s.leave(leaving); err != nil && !errors.Is(err, zk.ErrUnconfirmed) {
		k.say(report{What: broken, Why: name + ": leave: " + err.Error()})
	}
}

// update stores data. If the registration was the same before and after it, the
// node was there all the time: see views.flaps. A status that is not Registered
// describes the last registration. The data may be stored by the create of the next
// one, which the status shows a moment later.
func (k *member) update(ctx context.Context, name, id string, s *stay) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	before := s.status()
	from := now()
	err := s.update(ctx, fmt.Sprint(from))
	after := s.status()
	switch {
	case err == nil && before.State == groupmembership.Registered && after.State == groupmembership.Registered &&
		before.Session == after.Session && before.Czxid == after.Czxid:
		k.tell(report{At: now(), What: updated, Who: k.who, Client: k.client, Name: name, Member: id, From: from, Session: after.Session.ID()})
	case err != nil && !forgivable(ctx, err):
		k.say(report{What: broken, Why: name + ": update: " + err.Error()})
	}
}

// watchGroup reports every view of the group, until ctx ends.
func (k *contender) watchGroup(ctx context.Context) {
	for s, err := range groupmembership.New(k.c, groupDir, groupmembership.Config{}).Watch(ctx) {
		if err != nil {
			if ctx.Err() == nil {
				k.say(report{What: broken, Why: "watch of the group: " + err.Error()})
			}
			return
		}
		r := report{What: saw, Name: groupDir}
		for _, m := range s.Left {
			r.Gone = append(r.Gone, gone{m.ID, m.Session})
		}
		r.Stale = s.Stale
		for _, m := range s.Members() {
			r.Members = append(r.Members, m.ID)
		}
		k.say(r)
	}
}

// watchService reports every view of the service, until ctx ends.
func (k *contender) watchService(ctx context.Context) {
	c := discovery.New(k.c, servicesDir, discovery.Config{}).CacheOf(service)
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() {
		if err := c.Run(ctx); ctx.Err() == nil {
			k.say(report{What: broken, Why: "cache of the service: " + err.Error()})
		}
	})
	before := map[string]int64{} // owners by id
	for s := range c.Snapshots(ctx) {
		r := report{What: saw, Name: servicesDir, Stale: s.Stale || !s.Loaded}
		now := map[string]int64{}
		for _, i := range s.Instances(service) {
			r.Members = append(r.Members, i.ID)
			now[i.ID] = i.Stat.EphemeralOwner
		}
		for id, owner := range before {
			if now[id] != owner {
				r.Gone = append(r.Gone, gone{id, owner})
			}
		}
		before = now
		k.say(r)
	}
}
