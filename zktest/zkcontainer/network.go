package zkcontainer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tcnetwork "github.com/testcontainers/testcontainers-go/network"
)

// networks are the two networks of an ensemble. Clients use the first one, which has
// the published ports. Members talk to each other only over the second one. So a
// member can be cut off from its peers while its clients stay connected.
type networks struct {
	clients *testcontainers.DockerNetwork
	peers   *testcontainers.DockerNetwork // nil for a single server
	addrs   []netip.Addr                  // of the members on peers
}

func newNetworks(ctx context.Context, engine *testcontainers.DockerClient, members int, label map[string]string) (n networks, err error) {
	if n.clients, err = tcnetwork.New(ctx, tcnetwork.WithLabels(label)); err != nil {
		return n, fmt.Errorf("zkcontainer: the clients' network: %w", err)
	}
	if members == 1 {
		return n, nil
	}
	// A member that is healed must get its old address again. The members never
	// close the connections of an election for silence, so with another address
	// their packets would be lost for a quarter of an hour.
	//
	// Fixed addresses need a subnet that is given explicitly, and only the engine
	// knows which subnets are free. So freeSubnet lets the engine choose one for a
	// probe network and removes that. If another process takes the subnet before
	// the network below, the loop tries again.
	for range 20 {
		subnet, err := freeSubnet(ctx, engine, label)
		if err != nil {
			return n, err
		}
		n.peers, err = tcnetwork.New(ctx, tcnetwork.WithLabels(label), tcnetwork.WithInternal(),
			tcnetwork.WithIPAM(&network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: subnet}}}))
		if err == nil {
			n.addrs = hosts(subnet, members)
			return n, nil
		}
		n.peers = nil
		if !errdefs.IsConflict(err) && !errdefs.IsPermissionDenied(err) && !errdefs.IsInvalidArgument(err) {
			return n, fmt.Errorf("zkcontainer: the peers' network: %w", err)
		}
	}
	return n, errors.New("zkcontainer: the peers' network: every subnet was taken before it could be used")
}

// freeSubnet returns a subnet that the engine regards as free.
func freeSubnet(ctx context.Context, engine *testcontainers.DockerClient, label map[string]string) (_ netip.Prefix, err error) {
	probe, err := tcnetwork.New(ctx, tcnetwork.WithLabels(label), tcnetwork.WithInternal())
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("zkcontainer: the peers' network: %w", err)
	}
	defer func() { err = errors.Join(err, probe.Remove(ctx)) }()
	seen, err := engine.NetworkInspect(ctx, probe.ID, client.NetworkInspectOptions{})
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("zkcontainer: the peers' network: %w", err)
	}
	for _, c := range seen.Network.IPAM.Config {
		if c.Subnet.Addr().Is4() {
			return c.Subnet.Masked(), nil
		}
	}
	return netip.Prefix{}, errors.New("zkcontainer: the engine gives its networks no IPv4 addresses")
}

// hosts returns the addresses of the members in a subnet. The first address is the
// engine's.
func hosts(subnet netip.Prefix, members int) []netip.Addr {
	addr := subnet.Addr().Next()
	var all []netip.Addr
	for range members {
		addr = addr.Next()
		all = append(all, addr)
	}
	return all
}
