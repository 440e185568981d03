package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// fault is what happens to one contender.
type fault struct {
	name   string
	what   string // for the report
	waiter bool   // it happens to B, which waits, and not to A, which holds
	before bool   // it begins before B acquires
	size   int    // of the ensemble; 0: 1
	run    func(ctx context.Context, r *round, c *child) error
}

// long is how many session timeouts a fault lasts that ends the session.
const long = 2.5

var faults = []fault{
	{name: "none", what: "nothing happens", run: nothing},
	{name: "cut", what: "its connection is cut", run: cut},
	{name: "short", what: "its network is silent for half the session timeout", run: silent(ensemble.BothWays, 0.5)},
	{name: "hole", what: "its network is silent for 2.5 session timeouts", run: silent(ensemble.BothWays, long)},
	{name: "refuse", what: "cut, and every connection refused for 2.5 session timeouts", run: refuse},
	{name: "oneway", what: "its requests arrive, and no reply does, for 2.5 session timeouts", run: silent(ensemble.ToClient, long)},
	{name: "stall", what: "replies are 0.8 session timeouts late, for 2.5 of them", run: stall},
	{name: "pause", what: "its process stands still for 2.5 session timeouts", run: pause},
	{name: "expire", what: "the servers end its session", run: expireSession},
	{name: "delete", what: "an operator deletes its node", run: deleteNode},
	{name: "kill", what: "its server is killed (one of three)", size: 3, run: killServer},
	{name: "wcut", what: "its connection is cut", waiter: true, run: cut},
	{name: "whole", what: "its network is silent for 2.5 session timeouts", waiter: true, run: silent(ensemble.BothWays, long)},
	{name: "wpause", what: "its process stands still for 2.5 session timeouts", waiter: true, run: pause},
	{name: "wexpire", what: "the servers end its session", waiter: true, run: expireSession},
	{name: "wdelete", what: "an operator deletes its node", waiter: true, run: deleteNode},
	{name: "wreply", what: "the reply to the creation of its node is lost", waiter: true, before: true, run: loseReply},
}

func nothing(context.Context, *round, *child) error { return nil }

func cut(_ context.Context, _ *round, c *child) error {
	for _, p := range c.proxies {
		p.Cut()
	}
	return nil
}

// silent makes the network silent for so many session timeouts.
func silent(d ensemble.Direction, timeouts float64) func(context.Context, *round, *child) error {
	return func(_ context.Context, r *round, c *child) error {
		for _, p := range c.proxies {
			p.Blackhole(d, true)
		}
		time.Sleep(r.timeouts(timeouts))
		heal(c)
		return nil
	}
}

func heal(c *child) {
	for _, p := range c.proxies {
		p.Heal()
	}
}

func refuse(_ context.Context, r *round, c *child) error {
	for _, p := range c.proxies {
		p.Refuse(true)
		p.Cut()
	}
	time.Sleep(r.timeouts(long))
	heal(c)
	return nil
}

func stall(_ context.Context, r *round, c *child) error {
	for _, p := range c.proxies {
		p.Delay(ensemble.ToClient, r.timeouts(0.8))
	}
	time.Sleep(r.timeouts(long))
	heal(c)
	return nil
}

func pause(_ context.Context, r *round, c *child) error { return c.pause(r.timeouts(long)) }

func expireSession(ctx context.Context, r *round, c *child) error {
	own, err := r.rig.of(ctx, c, r.dir)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return errors.New("it has no node")
	}
	return expire(r.rig.DirectAddr(0), own[0].owner, c.password(own[0].owner))
}

func deleteNode(ctx context.Context, r *round, c *child) error {
	own, err := r.rig.of(ctx, c, r.dir)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return errors.New("it has no node")
	}
	r.record.note("the operator deletes %s", own[0].path)
	return r.rig.client.Delete(ctx, own[0].path, zk.AnyVersion)
}

// killServer kills the server of a contender, and starts it again after a while.
func killServer(ctx context.Context, r *round, c *child) error {
	for i, p := range c.proxies {
		if p.Connections() == 0 {
			continue
		}
		mode, err := r.rig.FourLetter(ctx, i, "srvr")
		if err != nil {
			return err
		}
		if _, after, ok := strings.Cut(mode, "Mode: "); ok {
			mode, _, _ = strings.Cut(after, "\n")
		}
		r.record.note("member %d is killed, the %s", i, mode)
		if err := r.rig.Kill(i); err != nil {
			return err
		}
		time.Sleep(r.timeouts(long))
		return r.rig.Start(ctx, i)
	}
	return fmt.Errorf("%s has no connection", c.who)
}

// loseReply cuts the connection instead of the reply to the next creation of a node.
func loseReply(ctx context.Context, r *round, c *child) error {
	for _, p := range c.proxies {
		happened, _ := p.SwallowNext(ensemble.Swallow{Ops: []int32{1, 14}, Cut: true})
		go func() {
			select {
			case <-happened:
				r.record.note("the reply to a create of %s is lost", c.who)
			case <-ctx.Done():
			}
		}()
	}
	return nil
}
