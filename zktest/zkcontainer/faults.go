package zkcontainer

import (
	"context"
	"errors"
	"fmt"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// Kill kills a member's process, as a crash would, and keeps its data. It returns when
// the process has ended. It fails if the member does not run.
func (e *Ensemble) Kill(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if err := m.must(running, paused); err != nil {
			return m.wrap("kill", err)
		}
		ended := e.engine.ContainerWait(ctx, m.id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
		if _, err := e.engine.ContainerKill(ctx, m.id, client.ContainerKillOptions{Signal: "SIGKILL"}); err != nil {
			return m.wrap("kill", err)
		}
		select {
		case <-ended.Result:
		case err := <-ended.Error:
			return m.wrap("wait for the end of", err)
		}
		m.shut()
		m.set(stopped)
		return nil
	})
}

// Stop makes a member shut down. It returns when the process has ended. It unpauses a
// paused member first.
func (e *Ensemble) Stop(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if err := m.must(running, paused); err != nil {
			return m.wrap("stop", err)
		}
		if m.state() == paused {
			if err := m.unpause(ctx); err != nil {
				return err
			}
		}
		patience := 10 // seconds; after that the engine kills the process
		if _, err := e.engine.ContainerStop(ctx, m.id, client.ContainerStopOptions{Timeout: &patience}); err != nil {
			return m.wrap("stop", err)
		}
		m.shut()
		m.set(stopped)
		return nil
	})
}

// Start starts a stopped member with its data. It waits until the member serves. If too
// few members run and are connected for a quorum, it waits only until the member
// answers. If the member is disconnected from the clients' network, it does not wait.
// It fails if the member runs.
func (e *Ensemble) Start(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if err := m.must(stopped); err != nil {
			return m.wrap("start", err)
		}
		if err := m.boot(ctx); err != nil {
			return err
		}
		if m.isOffline() {
			return nil
		}
		return m.answers(ctx, func() bool { return e.quorumFor(m) })
	})
}

// Pause suspends a member's process. The system still accepts connections and bytes
// for it, but the process answers nothing. Unpause resumes it.
func (e *Ensemble) Pause(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if err := m.must(running); err != nil {
			return m.wrap("pause", err)
		}
		_, err := e.engine.ContainerPause(ctx, m.id, client.ContainerPauseOptions{})
		if err == nil {
			m.set(paused)
		}
		return m.wrap("pause", err)
	})
}

// Unpause resumes a paused member.
func (e *Ensemble) Unpause(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if err := m.must(paused); err != nil {
			return m.wrap("unpause", err)
		}
		return m.unpause(ctx)
	})
}

func (m *member) unpause(ctx context.Context) error {
	_, err := m.e.engine.ContainerUnpause(ctx, m.id, client.ContainerUnpauseOptions{})
	if err == nil {
		m.set(running)
	}
	return m.wrap("unpause", err)
}

// IsolatePeers disconnects a member from the peers' network. Packets are lost,
// connections are not closed, and the member's clients stay connected. HealPeers ends
// this.
func (e *Ensemble) IsolatePeers(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error { return m.isolate(ctx) })
}

// HealPeers connects a member to the peers' network again, with its old address. If the
// member is not isolated, it does nothing.
func (e *Ensemble) HealPeers(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error { return m.heal(ctx) })
}

// Disconnect disconnects a member from all networks. The member does not close its
// connections. The forwarder before the member resets new ones.
func (e *Ensemble) Disconnect(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if e.networks.peers != nil {
			if err := m.isolate(ctx); err != nil {
				return err
			}
		}
		if m.isOffline() {
			return nil
		}
		m.shut()
		_, err := e.engine.NetworkDisconnect(ctx, e.networks.clients.ID, client.NetworkDisconnectOptions{Container: m.id})
		if err == nil {
			m.note(func() { m.offline = true })
		}
		return m.wrap("disconnect", err)
	})
}

// Reconnect ends Disconnect and IsolatePeers. It does not wait until the member serves;
// see Ready.
func (e *Ensemble) Reconnect(ctx context.Context, i int) error {
	return e.change(ctx, i, func(m *member) error {
		if m.isOffline() {
			_, err := e.engine.NetworkConnect(ctx, e.networks.clients.ID, client.NetworkConnectOptions{
				Container:      m.id,
				EndpointConfig: &network.EndpointSettings{Aliases: []string{hostName(m.index)}},
			})
			if err != nil {
				return m.wrap("reconnect", err)
			}
			m.note(func() { m.offline = false })
			if m.state() != stopped {
				if err := m.findPorts(ctx); err != nil {
					return err
				}
			}
		}
		if e.networks.peers == nil {
			return nil
		}
		return m.heal(ctx)
	})
}

var errNoPeers = errors.New("zkcontainer: a single server has no peers")

func (m *member) isolate(ctx context.Context) error {
	if m.e.networks.peers == nil {
		return errNoPeers
	}
	if m.isIsolated() {
		return nil
	}
	_, err := m.e.engine.NetworkDisconnect(ctx, m.e.networks.peers.ID, client.NetworkDisconnectOptions{Container: m.id})
	if err == nil {
		m.note(func() { m.isolated = true })
	}
	return m.wrap("isolate", err)
}

func (m *member) heal(ctx context.Context) error {
	if m.e.networks.peers == nil {
		return errNoPeers
	}
	if !m.isIsolated() {
		return nil
	}
	if err := m.join(ctx); err != nil {
		return err
	}
	m.note(func() { m.isolated = false })
	return nil
}

func (m *member) isIsolated() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.isolated
}

// note calls set with m.mu held.
func (m *member) note(set func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	set()
}

// must returns an error unless the member is in one of these states.
func (m *member) must(states ...state) error {
	now := m.state()
	for _, s := range states {
		if now == s {
			return nil
		}
	}
	return fmt.Errorf("it is %s", now)
}

// change calls do while no other call changes the member.
func (e *Ensemble) change(ctx context.Context, i int, do func(*member) error) error {
	m, err := e.member(i)
	if err != nil {
		return err
	}
	if err := m.turn.Lock(ctx); err != nil {
		return m.wrap("wait for another change of", err)
	}
	defer m.turn.Unlock()
	return do(m)
}

// quorumFor reports whether m can serve: whether a majority of the members, m
// included, run and are connected to each other.
func (e *Ensemble) quorumFor(m *member) bool {
	n := 0
	for _, other := range e.members {
		if other.state() == running && (other == m || !m.isIsolated() && !other.isIsolated()) {
			n++
		}
	}
	return n > len(e.members)/2
}
