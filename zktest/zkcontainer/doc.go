// Package zkcontainer runs Apache ZooKeeper in containers for tests: one server,
// or an ensemble of three on networks of its own.
//
//	func TestMine(t *testing.T) {
//		e := zkcontainer.RunT(t, zkcontainer.Members(3))
//		c, err := zk.Connect(t.Context(), zk.Config{Servers: e.Servers()})
//		…
//	}
//
// When Run returns, every member serves: it has answered srvr with its mode,
// which an open port alone does not tell. The connect string stays valid for as
// long as the ensemble lives, whatever happens to a member, and so do the
// addresses of single members: behind them are forwarders in this process, which
// look up the port that the engine has given the container this time.
//
// A member can be killed and started again, paused, cut off from its peers
// alone, or taken off the network; Leader tells which one to do it to.
//
// The package is a module of its own, so that whoever imports the client or the
// recipes does not inherit what talks to Docker. Engines, remote and rootless
// ones too, are found as testcontainers-go finds them, and its variables apply:
// DOCKER_HOST, TESTCONTAINERS_HOST_OVERRIDE, TESTCONTAINERS_RYUK_DISABLED.
package zkcontainer
