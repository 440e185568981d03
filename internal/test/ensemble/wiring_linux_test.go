package ensemble

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// peerPorts returns the remote ports to which a process has TCP connections.
func remotePorts(t *testing.T, pid int) map[int]bool {
	t.Helper()
	inodes := map[string]bool{}
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			if inode, ok := strings.CutPrefix(to, "socket:["); ok {
				inodes[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	ports := map[int]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		require.NoError(t, err)
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) < 10 || !inodes[f[9]] {
				continue
			}
			_, hex, _ := strings.Cut(f[2], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			require.NoError(t, err)
			ports[int(port)] = true
		}
	}
	return ports
}

// requireProxied requires that no member has a connection to a real port of
// another, and that every member has links through the proxies.
func requireProxied(t *testing.T, e *localEnsemble) {
	t.Helper()
	proxies := map[int]bool{}
	for _, l := range e.peers.links {
		proxies[l.quorum.port.number] = true
		proxies[l.election.port.number] = true
	}
	seen := 0
	for _, m := range e.members {
		to := remotePorts(t, m.proc.cmd.Process.Pid)
		for _, other := range e.members {
			require.False(t, to[other.quorum.number] || to[other.election.number],
				"member %d reaches member %d past the proxies", m.index, other.index)
		}
		for port := range to {
			if proxies[port] {
				seen++
			}
		}
	}
	// Two followers at the leader, and an election link for each of three pairs.
	require.GreaterOrEqual(t, seen, 5)
}

// A server that dials another announces where to dial back. If that were its real
// port, half of all election links would bypass the proxies. An isolated member
// would then still take part in elections.
func TestWiring_MembersReachEachOtherOnlyByProxies(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e := Run(t, Options{Size: 3, SyncLimit: 5}).(*localEnsemble)
	requireProxied(t, e)
	for i := range e.members { // each of them dials the others again
		require.NoError(t, e.Kill(i))
		_, err := e.AwaitLeader(ctx, i)
		require.NoError(t, err)
		require.NoError(t, e.Start(ctx, i))
		require.NoError(t, e.Ready(ctx))
		requireProxied(t, e)
	}
	leader, err := e.Leader(ctx)
	require.NoError(t, err)
	require.NoError(t, e.ResetPeers(leader))
	require.Eventually(t, func() bool { return e.linksOf(leader) == 0 }, 20*time.Second, time.Millisecond)
	_, err = e.AwaitLeader(ctx, leader)
	require.NoError(t, err)
	require.NoError(t, e.HealPeers(leader))
	require.NoError(t, e.Ready(ctx))
	// The one that comes back is heard by both others before all links are up.
	require.Eventually(t, func() bool { return e.linksOf(leader) >= 3 }, 20*time.Second, 10*time.Millisecond)
	requireProxied(t, e)
}

// linksOf counts a member's connections with its peers.
func (e *localEnsemble) linksOf(i int) int {
	n := 0
	for d, l := range e.peers.links {
		if d.from == i || d.to == i {
			l.both(func(p *Proxy) { n += p.Connections() })
		}
	}
	return n
}

func TestProcess_ServersEndWithTheTestBinary(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), asParent+"=1")
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	var pid int
	var dir string
	_, err = fmt.Fscan(bufio.NewReader(strings.NewReader(string(out))), &pid, &dir)
	require.NoError(t, err, "%s", out)
	defer os.RemoveAll(dir)
	require.Eventually(t, func() bool {
		// Gone, or a zombie that its new parent has not waited for.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}, 20*time.Second, 10*time.Millisecond)
}

func TestPort_IsReservedWithAndWithoutAListener(t *testing.T) {
	p, err := reservePort()
	require.NoError(t, err)
	defer p.release()
	for range 3 {
		_, err := net.Dial("tcp", p.addr())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		for range 200 { // the kernel gives it to no socket meanwhile
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			require.NotEqual(t, p.addr(), ln.Addr().String())
			ln.Close()
		}
		ln, err := net.Listen("tcp", p.addr())
		require.NoError(t, err)
		c, err := net.Dial("tcp", p.addr())
		require.NoError(t, err)
		c.Close()
		ln.Close()
	}
}
