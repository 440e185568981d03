// Package zkcontainer runs Apache ZooKeeper in containers for tests: one server,
// or an ensemble of three on private networks.
//
//	func TestMine(t *testing.T) {
//		e := zkcontainer.RunT(t, zkcontainer.Members(3))
//		c, err := zk.Connect(t.Context(), zk.Config{Servers: e.Servers()})
//		…
//	}
//
// When Run returns, every member serves: it has answered srvr with its mode. (An
// open port alone does not mean that.) The connect string and the addresses of the
// members stay valid as long as the ensemble lives, also when members restart. They
// belong to forwarders in this process, which look up the current port of the
// container.
//
// A member can be killed and started again, paused, cut off from its peers only, or
// disconnected from all networks. Leader returns which member leads.
//
// The package is a module, so that users of the client and the recipes do not
// depend on Docker's libraries. It finds the engine as testcontainers-go does, also a
// remote or rootless one. The variables of testcontainers-go apply: DOCKER_HOST,
// TESTCONTAINERS_HOST_OVERRIDE, TESTCONTAINERS_RYUK_DISABLED.
package zkcontainer
