package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/zk"
)

// payload is the peer's class Payload.
type payload struct {
	Zone   string `json:"zone"`
	Weight int    `json:"weight"`
}

// tell describes our instances as the peer does: with Curator's fields, in Curator's
// names.
func tell(t *testing.T, instances ...*discovery.Instance) string {
	t.Helper()
	port := func(p *int) string {
		if p == nil {
			return "null"
		}
		return strconv.Itoa(*p)
	}
	var told []string
	for _, i := range instances {
		said, uri, address := "null", "", "null"
		var p payload
		switch {
		case i.PayloadClass() == "Payload":
			require.NoError(t, i.DecodePayload(&p))
			said = fmt.Sprintf("zone:%s,weight:%d", p.Zone, p.Weight)
		case i.Payload != nil:
			var v any
			require.NoError(t, i.DecodePayload(&v))
			said = fmt.Sprint(v)
		}
		if i.URI != nil {
			uri = i.URI.String() + " uri=" + i.BuildURI(nil)
		}
		if i.Address != "" {
			address = i.Address
		}
		told = append(told, fmt.Sprintf(
			"name=%s id=%s address=%s port=%s sslPort=%s payload=%s registrationTimeUTC=%d serviceType=%s enabled=%v uriSpec=%s",
			i.Name, i.ID, address, port(i.Port), port(i.SSLPort), said, i.Registered.UnixMilli(), i.Type, !i.Disabled, uri))
	}
	slices.Sort(told)
	return strings.Join(told, " ; ")
}

// register returns the order by which the peer registers the same instance, or updates
// to it.
func register(t *testing.T, i discovery.Instance) []string {
	t.Helper()
	var args []string
	for f := range strings.FieldsSeq(tell(t, &i)) {
		name, value, _ := strings.Cut(f, "=")
		if value != "null" && value != "" && name != "uri" {
			args = append(args, f)
		}
	}
	return args
}

var registered = time.UnixMilli(1700000000123)

// instances are registered by one side and read by the other. Each has the data that
// its node must hold.
var instances = []struct {
	name string
	i    discovery.Instance
	json string
}{
	{
		"nothing that can be left out",
		discovery.Instance{Name: "svc", ID: "bare", Registered: registered, Type: discovery.Dynamic},
		`{"name":"svc","id":"bare","address":null,"port":null,"sslPort":null,"payload":null,` +
			`"registrationTimeUTC":1700000000123,"serviceType":"DYNAMIC","uriSpec":null}`,
	}, {
		"every field",
		discovery.Instance{
			Name: "svc", ID: "full", Address: "10.0.0.1", Port: new(8080), SSLPort: new(8443),
			Payload: object("Payload", payload{"eu", 7}), Registered: registered, Type: discovery.Dynamic,
			URI: spec("{scheme}://{address}:{ssl-port}/{name}/{id}"),
		},
		`{"name":"svc","id":"full","address":"10.0.0.1","port":8080,"sslPort":8443,` +
			`"payload":{"@class":"Payload","zone":"eu","weight":7},"registrationTimeUTC":1700000000123,` +
			`"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true},` +
			`{"value":"://","variable":false},{"value":"address","variable":true},{"value":":","variable":false},` +
			`{"value":"ssl-port","variable":true},{"value":"/","variable":false},{"value":"name","variable":true},` +
			`{"value":"/","variable":false},{"value":"id","variable":true}]}}`,
	}, {
		"text, and what needs no escape",
		discovery.Instance{
			Name: "svc", ID: "text", Address: "<a&b>", Payload: json.RawMessage(`"<\"quoted\"&\\>"`),
			Registered: registered, Type: discovery.Static,
		},
		`{"name":"svc","id":"text","address":"<a&b>","port":null,"sslPort":null,"payload":"<\"quoted\"&\\>",` +
			`"registrationTimeUTC":1700000000123,"serviceType":"STATIC","uriSpec":null}`,
	}, {
		"a number, and a name that ZooKeeper makes unique",
		discovery.Instance{
			Name: "svc", ID: "number", Port: new(0), Payload: json.RawMessage(`42`),
			Registered: registered, Type: discovery.DynamicSequential,
		},
		`{"name":"svc","id":"number","address":null,"port":0,"sslPort":null,"payload":42,` +
			`"registrationTimeUTC":1700000000123,"serviceType":"DYNAMIC_SEQUENTIAL","uriSpec":null}`,
	}, {
		"permanent",
		discovery.Instance{Name: "svc", ID: "permanent", Registered: registered, Type: discovery.Permanent},
		`{"name":"svc","id":"permanent","address":null,"port":null,"sslPort":null,"payload":null,` +
			`"registrationTimeUTC":1700000000123,"serviceType":"PERMANENT","uriSpec":null}`,
	},
}

func object(class string, v any) json.RawMessage {
	p, err := discovery.NewPayload(class, v)
	if err != nil {
		panic(err)
	}
	return p
}

func spec(s string) *discovery.URISpec {
	u, err := discovery.ParseURISpec(s)
	if err != nil {
		panic(err)
	}
	return u
}

// query reads a service with our recipe. No node may be bad.
func (r *rig) query(t *testing.T, base, name string) []*discovery.Instance {
	t.Helper()
	all, bad, err := discovery.New(r.c, base, discovery.Config{}).Query(within(t), name)
	require.NoError(t, err)
	require.Empty(t, bad)
	return all
}

// Either side registers: the node holds the same bytes, and the other side reads every
// field.
func TestDiscovery_SameBytesAndEveryFieldBothWays(t *testing.T) {
	r := sharedRig(t)
	for _, in := range instances {
		t.Run(in.name, func(t *testing.T) {
			base := r.dir()
			theirs := r.peers[curator].handle(t, "discovery", base)
			want := tell(t, &in.i)
			node := func() string {
				t.Helper()
				paths := r.children(t, base+"/svc")
				require.Len(t, paths, 1)
				if in.i.Type == discovery.DynamicSequential {
					require.Regexp(t, "/(_c_[0-9a-f-]{36}-)?"+in.i.ID+`\d{10}$`, paths[0]) // ours is protected
				} else {
					require.Equal(t, base+"/svc/"+in.i.ID, paths[0])
				}
				n, err := r.c.Get(within(t), paths[0])
				require.NoError(t, err)
				require.Equal(t, in.i.Type == discovery.Static || in.i.Type == discovery.Permanent, n.Stat.EphemeralOwner == 0)
				return string(n.Data)
			}
			theirs.do(t, "register", register(t, in.i)...)
			require.Equal(t, in.json, node())
			require.Equal(t, want, tell(t, r.query(t, base, "svc")...))
			theirs.do(t, "unregister", "svc", in.i.ID)
			if in.i.Type == discovery.DynamicSequential {
				// Curator 5.4 and 5.9.0 look for the name without its number, and leave the node.
				require.NoError(t, r.c.Delete(within(t), r.children(t, base+"/svc")[0], zk.AnyVersion))
			}
			require.Empty(t, r.query(t, base, "svc"))

			reg, err := discovery.New(r.c, base, discovery.Config{}).Register(within(t), in.i)
			require.NoError(t, err)
			require.Equal(t, in.json, node())
			require.Equal(t, want, theirs.do(t, "query", "svc"))
			require.Equal(t, "svc", theirs.do(t, "names"))
			if in.i.Type != discovery.DynamicSequential {
				require.Equal(t, want, theirs.do(t, "instance", "svc", in.i.ID))
			}
			require.NoError(t, reg.Unregister(within(t)))
			require.Empty(t, theirs.do(t, "query", "svc"))
		})
	}
}

// Curator usually leaves out "enabled". If it is written, both sides read it, and the
// bytes are the same.
func TestDiscovery_EnabledIsReadBothWays(t *testing.T) {
	r := sharedRig(t)
	base := r.dir()
	full := r.peers[curator].handle(t, "discovery", base, "full")
	compatible := r.peers[curator].handle(t, "discovery", base)
	in := discovery.Instance{Name: "svc", ID: "i", Registered: registered, Type: discovery.Dynamic}
	data := func() string {
		n, err := r.c.Get(within(t), base+"/svc/i")
		require.NoError(t, err)
		return string(n.Data)
	}
	for _, disabled := range []bool{false, true} {
		in.Disabled = disabled
		full.do(t, "register", register(t, in)...)
		theirs := data()
		require.Equal(t, tell(t, &in), tell(t, r.query(t, base, "svc")...))
		full.do(t, "unregister", "svc", "i")

		reg, err := discovery.New(r.c, base, discovery.Config{WriteEnabled: true}).Register(within(t), in)
		require.NoError(t, err)
		require.Equal(t, theirs, data())
		require.Equal(t, tell(t, &in), full.do(t, "query", "svc"))
		require.Equal(t, tell(t, &in), compatible.do(t, "query", "svc"))
		require.NoError(t, reg.Unregister(within(t)))
	}
}

// watching returns our Cache, running.
func (r *rig) watching(t *testing.T, base, name string) *discovery.Cache {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cache := discovery.New(r.c, base, discovery.Config{}).CacheOf(name)
	var running sync.WaitGroup
	running.Go(func() {
		if err := cache.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("cache: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	require.NoError(t, cache.Loaded(within(t)))
	return cache
}

// awaitInstances waits until our cache and the peer's both see these instances.
func (r *rig) awaitInstances(t *testing.T, cache *discovery.Cache, theirs handle, want ...*discovery.Instance) {
	t.Helper()
	told := tell(t, want...)
	for s := range cache.Snapshots(within(t)) {
		if !s.Stale && tell(t, s.Instances("svc")...) == told {
			break
		}
	}
	require.Equal(t, told, tell(t, cache.Snapshot().Instances("svc")...))
	r.await(t, "Curator's view of "+told, func(context.Context) bool { return theirs.do(t, "cached", "svc") == told })
}

// Caches and providers of both sides follow the registrations, updates and
// unregistrations of either side.
func TestDiscovery_CachesAndProvidersOfBothFollow(t *testing.T) {
	r := sharedRig(t)
	base := r.dir()
	theirs := r.peers[curator].handle(t, "discovery", base)
	theirs.do(t, "cached", "svc") // starts it
	theirs.do(t, "pick", "svc")
	cache := r.watching(t, base, "svc")
	r.awaitInstances(t, cache, theirs)

	a := discovery.Instance{Name: "svc", ID: "theirs", Address: "a", Port: new(1), Registered: registered, Type: discovery.Dynamic}
	b := discovery.Instance{Name: "svc", ID: "ours", Address: "b", Port: new(2), Registered: registered, Type: discovery.Dynamic}
	theirs.do(t, "register", register(t, a)...)
	reg, err := discovery.New(r.c, base, discovery.Config{}).Register(within(t), b)
	require.NoError(t, err)
	r.awaitInstances(t, cache, theirs, &a, &b)
	require.NoError(t, reg.Update(within(t), func(i *discovery.Instance) { i.Payload = object("Payload", payload{"us", 1}) }))
	b.Payload = object("Payload", payload{"us", 1})
	a.Port, a.URI = new(3), spec("http://{address}:{port}")
	theirs.do(t, "update", register(t, a)...)
	r.awaitInstances(t, cache, theirs, &a, &b)

	provider := cache.Provider("svc", discovery.ProviderConfig{})
	ours := func() string {
		use, err := provider.Pick()
		require.NoError(t, err)
		use.Done(nil)
		return use.Instance.ID
	}
	require.ElementsMatch(t, []string{"ours", "theirs"}, []string{ours(), ours()})
	both := func() bool {
		first := theirs.do(t, "pick", "svc")
		return first != theirs.do(t, "pick", "svc")
	}
	r.await(t, "both picked", func(context.Context) bool { return both() })

	// A disabled instance is in the lists, and neither side picks it.
	require.NoError(t, reg.Update(within(t), func(i *discovery.Instance) { i.Disabled = true }))
	b.Disabled = true
	r.awaitInstances(t, cache, theirs, &a, &b)
	require.Equal(t, []string{"theirs", "theirs"}, []string{ours(), ours()})
	r.await(t, "only theirs picked", func(context.Context) bool { return !both() })
	require.Equal(t, "theirs", theirs.do(t, "pick", "svc"))

	require.NoError(t, reg.Unregister(within(t)))
	r.awaitInstances(t, cache, theirs, &a)
	theirs.do(t, "unregister", "svc", "theirs")
	r.awaitInstances(t, cache, theirs)
	_, err = provider.Pick()
	require.ErrorIs(t, err, discovery.ErrNoInstance)
}

// Either side can replace or unregister a persistent instance of the other.
func TestDiscovery_StaticInstancesAreTakenOver(t *testing.T) {
	r := sharedRig(t)
	base := r.dir()
	theirs := r.peers[curator].handle(t, "discovery", base)
	in := discovery.Instance{Name: "svc", ID: "i", Address: "a", Registered: registered, Type: discovery.Static}
	theirs.do(t, "register", register(t, in)...)
	in.Address = "b"
	reg, err := discovery.New(r.c, base, discovery.Config{}).Register(within(t), in)
	require.NoError(t, err)
	require.Equal(t, tell(t, &in), theirs.do(t, "query", "svc"))
	in.Address = "c"
	theirs.do(t, "register", register(t, in)...)
	require.Equal(t, tell(t, &in), tell(t, r.query(t, base, "svc")...))
	require.NoError(t, reg.Unregister(within(t)))
	require.Empty(t, theirs.do(t, "query", "svc"))
}

// Curator reads an object without a class as a map, if any payload is allowed.
func TestDiscovery_PayloadWithoutAClassIsAMapToCurator(t *testing.T) {
	r := sharedRig(t)
	base := r.dir()
	theirs := r.peers[curator].handle(t, "discovery", base)
	in := discovery.Instance{Name: "svc", ID: "i", Payload: json.RawMessage(`{"zone":"eu"}`), Registered: registered}
	reg, err := discovery.New(r.c, base, discovery.Config{}).Register(within(t), in)
	require.NoError(t, err)
	require.Contains(t, theirs.do(t, "query", "svc"), " payload={zone=eu} ")
	require.NoError(t, reg.Unregister(within(t)))
}
