package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/zookit/zookit/internal/proto"
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

// rig is the servers of rounds, and a client that looks at the tree.
type rig struct {
	ensemble.Ensemble
	client *zk.Client
	rounds atomic.Int64
}

func newRig(ctx context.Context, size int) (*rig, error) {
	e, err := ensemble.Start(ctx, ensemble.Options{Size: size})
	if err != nil {
		return nil, err
	}
	c, err := zk.Connect(ctx, zk.Config{Servers: e.Direct(), SessionTimeout: 20 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return &rig{Ensemble: e, client: c}, nil
}

func (r *rig) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(r.client.Close(ctx), r.Close())
}

// dir creates a directory for a round.
func (r *rig) dir(ctx context.Context) (string, error) {
	path := fmt.Sprintf("/round%d", r.rounds.Add(1))
	_, err := r.client.Create(ctx, path, nil, zk.Persistent)
	return path, err
}

// start starts a process that reaches the members through proxies of its own, which only
// it uses.
func (r *rig) start(who, binary, dir string, timeout time.Duration, rec *record) (*child, error) {
	var proxies []*ensemble.Proxy
	var addrs []string
	for i := range r.Size() {
		p, err := ensemble.NewProxy(r.DirectAddr(i))
		if err != nil {
			return nil, err
		}
		proxies = append(proxies, p)
		addrs = append(addrs, p.Addr())
	}
	c, err := start(who, binary, strings.Join(addrs, ","), timeout, dir, rec)
	if err != nil {
		for _, p := range proxies {
			_ = p.Close()
		}
		return nil, err
	}
	c.proxies = proxies
	return c, nil
}

// node is an ephemeral node.
type node struct {
	path  string
	owner int64
}

// ephemerals returns the ephemeral nodes below a directory.
func (r *rig) ephemerals(ctx context.Context, dir string) ([]node, error) {
	names, _, err := r.client.Children(ctx, dir)
	if errors.Is(err, zk.ErrNoNode) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []node
	for _, name := range names {
		path := zk.Join(dir, name)
		stat, exists, err := r.client.Exists(ctx, path)
		if err != nil {
			return nil, err
		}
		if exists && stat.EphemeralOwner > 0 { // that of a container is negative
			found = append(found, node{path, stat.EphemeralOwner})
			continue
		}
		below, err := r.ephemerals(ctx, path)
		if err != nil {
			return nil, err
		}
		found = append(found, below...)
	}
	return found, nil
}

// of returns the nodes of a process.
func (r *rig) of(ctx context.Context, c *child, dir string) ([]node, error) {
	all, err := r.ephemerals(ctx, dir)
	var own []node
	for _, n := range all {
		if c.owns(n.owner) {
			own = append(own, n)
		}
	}
	return own, err
}

// expire ends a session, as its servers do when they have heard nothing of it: a second
// connection takes it over and closes it.
func expire(server string, session int64, password []byte) error {
	nc, err := net.DialTimeout("tcp", server, 5*time.Second)
	if err != nil {
		return err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(5 * time.Second))
	hello := proto.ConnectRequest{TimeoutMillis: 10_000, SessionID: session, Password: password}
	b := proto.EndFrame(hello.Append(proto.BeginFrame(nil)), 0)
	start := len(b)
	bye := proto.RequestHeader{Xid: 1<<31 - 1, Op: proto.OpCloseSession}
	b = proto.EndFrame(bye.Append(proto.BeginFrame(b)), start)
	if _, err := nc.Write(b); err != nil {
		return err
	}
	// The server answers both, and closes the connection.
	var body []byte
	for {
		if body, err = proto.ReadFrame(nc, body, 1<<20); err != nil {
			if errors.Is(err, net.ErrClosed) || strings.Contains(err.Error(), "timeout") {
				return err
			}
			return nil
		}
	}
}
