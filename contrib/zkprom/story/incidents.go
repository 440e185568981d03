package main

import (
	"context"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// incident is one of the stories.
type incident struct {
	name    string // in the marks of the page and in the name of the graph
	title   string // of the graph
	secured bool   // the servers know the password of a user
	panels  []panel
	play    func(ctx context.Context, c *cast) error
	limit   time.Duration // default two minutes
}

var incidents = []incident{
	{
		name: "slow-server", title: "A server is slow",
		panels: []panel{roundTrip, leaseLeft, lockHeld, lapses, connectionsLost},
		play:   slowServer,
	},
	{
		name: "isolated-server", title: "A server is cut off from the others",
		panels: []panel{connectionsLost, leaseLeft, lockHeld, lockWaited},
		play:   isolatedServer,
	},
	{
		name: "paused-process", title: "A process is stopped while it holds a lock",
		panels: []panel{up, leaseLeft, lockHeld, holdsLapsed, sessionsExpired},
		play:   pausedProcess,
	},
	{
		name: "mass-expiry", title: "All sessions expire",
		panels: []panel{connected, leaseLeft, lockHeld, sessionsGivenUp, registered, staleCopies},
		play:   massExpiry,
	},
	{
		name: "wrong-credential", title: "A credential is wrong", secured: true,
		panels: []panel{refused, attemptsFailed, callsFailed, lockHeld},
		play:   wrongCredential,
	},
}

// slowServer delays the answers of the holder's server: first so much that leases lapse
// although the connection lives, then so much that the client leaves.
func slowServer(ctx context.Context, c *cast) error {
	at := c.at[workers[0]]
	proxy := c.servers.Clients(at)
	c.record.mark("%s answers 2.4 s late", server(at))
	proxy.Delay(ensemble.ToClient, 2400*time.Millisecond)
	if err := pause(ctx, 25*time.Second); err != nil {
		return err
	}
	c.record.mark("%s answers 8 s late", server(at))
	proxy.Delay(ensemble.ToClient, 8*time.Second)
	if err := pause(ctx, 14*time.Second); err != nil {
		return err
	}
	c.record.mark("%s answers in time", server(at))
	proxy.Heal()
	return pause(ctx, 5*time.Second)
}

// isolatedServer cuts the holder's server off from the other servers.
func isolatedServer(ctx context.Context, c *cast) error {
	at := c.at[workers[0]]
	c.record.mark("%s is cut off from the other servers", server(at))
	if err := c.servers.IsolatePeers(at); err != nil {
		return err
	}
	if err := pause(ctx, 15*time.Second); err != nil {
		return err
	}
	c.record.mark("%s is joined to the others again", server(at))
	if err := c.servers.HealPeers(at); err != nil {
		return err
	}
	return pause(ctx, 5*time.Second)
}

// pausedProcess stops the holder for longer than its session lasts.
func pausedProcess(ctx context.Context, c *cast) error {
	holder := c.running[workers[0]]
	c.record.mark("%s is stopped (SIGSTOP)", holder.name)
	if err := ensemble.PauseProcess(holder.cmd.Process); err != nil {
		return err
	}
	if err := pause(ctx, 22*time.Second); err != nil {
		return err
	}
	c.record.mark("%s continues (SIGCONT)", holder.name)
	if err := ensemble.ResumeProcess(holder.cmd.Process); err != nil {
		return err
	}
	return pause(ctx, 8*time.Second)
}

// massExpiry cuts all clients off from all servers for longer than their sessions last.
func massExpiry(ctx context.Context, c *cast) error {
	c.record.mark("the network between clients and servers loses everything")
	for i := range c.servers.Size() {
		c.servers.Clients(i).Blackhole(ensemble.BothWays, true)
	}
	if err := pause(ctx, 24*time.Second); err != nil {
		return err
	}
	c.record.mark("the network works again")
	for i := range c.servers.Size() {
		c.servers.Clients(i).Heal()
	}
	return pause(ctx, 12*time.Second)
}

// wrongCredential replaces the holder by a process with a wrong password, and then that
// one by one with the right password.
func wrongCredential(ctx context.Context, c *cast) error {
	name := workers[0]
	for _, deployed := range []struct{ what, at, password string }{
		{"with a wrong password", "", "secret"},
		{"with the right password", server(c.at[name]), c.password},
	} {
		c.record.mark("%s is deployed again, %s", name, deployed.what)
		if err := c.quit(c.running[name]); err != nil {
			return err
		}
		if err := c.run(name, deployed.at, deployed.password); err != nil {
			return err
		}
		if err := pause(ctx, 14*time.Second); err != nil {
			return err
		}
	}
	return nil
}
