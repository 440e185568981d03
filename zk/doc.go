// Package zk is a client for Apache ZooKeeper. Its session reconnects by itself,
// requests keep their order, and watches are not lost silently. A lease says how
// long the ensemble is sure to keep the session's ephemeral nodes.
//
// The packages in recipes/ build locks, elections and more on it. Package zktest
// is a server for tests.
//
// # A client
//
// Make one Client for a program, by [Connect], and share it. All its methods may
// be called by many goroutines.
//
//	client, err := zk.Connect(ctx, zk.Config{Servers: "zk1:2181,zk2:2181,zk3:2181/app"})
//	if err != nil {
//		return err
//	}
//	defer client.Close(context.Background())
//
//	node, err := client.Get(ctx, "/config") // /app/config on the server
//	_, err = client.Set(ctx, "/config", data, zk.Version(node.Stat.Version))
//
// The context of a call bounds its wait. Set and Delete take the version that the
// node must have, and fail with [ErrBadVersion] if someone has changed it. A read
// is answered by one server, which may lag behind. A [Client.Sync] before the read
// makes that server catch up.
//
// # Sessions
//
// A client has one [Session] after the other. An ephemeral node belongs to the
// session that created it. The server deletes it when the session ends.
//
// When the connection is lost, the client connects to the next server and resumes
// the session. Its ephemeral nodes and watches stay. When the session has expired,
// the client opens another one: its ephemeral nodes are gone, and the program has
// to create them again. The client itself never has to be replaced.
//
//	for state := range client.States(ctx) {
//		log.Print(state) // connected, disconnected, expired, ...
//	}
//
// [Session.Context] ends when the client knows that the session is over. That may
// be later than the server deletes its nodes, so do not take it for a lock. Use
// [Session.Guard], described below.
//
// A session can move to another client, also in another process: Client.Detach and
// Config.Resume. Its ephemeral nodes stay. The recipes have Detach and Resume too, so that
// a service is restarted without losing its locks and registrations.
//
// # Servers and credentials
//
// Config.Servers is a fixed list. If the servers change, set Config.Resolve: the
// client asks it before it looks for a server. [SRV] makes one for SRV records.
//
// Config.Auth says who the client is. Its entries are called at every connect, before
// any request: an [Auth] presents the same credential each time, and [AuthFunc] asks a
// function for it. [DigestMD5] is a SASL mechanism. Another one is an [Authenticator] of
// your own. If a server refuses a credential, the state is [StateAuthFailed], and calls fail with an
// [*AuthError]. The client keeps trying, with longer and longer pauses. [Client.AddAuth]
// adds a credential while the client runs.
//
//	client, err := zk.Connect(ctx, zk.Config{
//		Servers: "/app", // the chroot alone
//		Resolve: zk.SRV("_zookeeper._tcp.example.org"),
//		Auth:    []zk.Authenticator{zk.DigestAuth("bob", password)},
//	})
//
// # Read-only servers
//
// A server that has lost its quorum can go on serving reads, if it was started with
// readonlymode.enabled=true and localSessionsEnabled=true. A client uses such a server
// only with Config.ReadOnly. Its state is then [StateReadOnly]:
//
//   - Reads and watches work. What they show is old, and may even contain a write that
//     the ensemble takes back later.
//   - Writes and Sync fail with [ErrNotReadOnly] and OutcomeRejected. So do those that
//     waited for a connection.
//   - Session.Guard returns ErrNotReadOnly. Ready and AwaitSession wait for a quorum. So
//     a lock, a leadership or a membership is neither granted nor kept: the recipes wait
//     as they do in an outage, until their contexts end.
//
// The client prefers a quorum. It takes a read-only server only when it has asked all
// servers, and when it has no session that it hopes to resume. A session that a quorum
// has opened is never resumed on a read-only server: servers refuse that, and their
// word on it would mean nothing. So reads wait until the client gives the session up,
// after 4/3 of the session timeout without an answer. If there is a quorum again before,
// the session goes on, with its ephemeral nodes.
//
// While it reads, the client goes on looking for a server with quorum, with the pauses of
// Config.BackOff, and moves there. The session of the read-only server is known to that
// server alone ([Session.ReadOnly]). It ends with its connection, with
// [ErrSessionExpired]: so do its one-shot watches. Subscriptions go on with an
// [EventResync]. The state is [StateExpired] in between, but nothing is lost, because such
// a session has no ephemeral nodes.
//
// # Errors and their outcomes
//
// The error of an operation is an [*OpError]. Test for its reason with errors.Is,
// for example against [ErrNoNode]. Its [Outcome] says what became of the request:
//
//   - [OutcomeRejected]: the server refused it, and nothing changed.
//   - [OutcomeNotSent]: it never left the client, and never will.
//   - [OutcomeUnknown]: it was sent, and no answer came. A write may have taken
//     effect, or may still do so.
//
// A call repeats a read whose answer was lost. It never repeats a write, unless the
// server has said that it did not run it. If the outcome of a write is unknown, look
// before you write again. A Sync before the look makes the answer final: while the
// session lives, a write that does not show then will not take effect later.
//
//	_, err := client.Set(ctx, "/config", data, version)
//	if zk.OutcomeOf(err) == zk.OutcomeUnknown {
//		err = client.Sync(ctx, "/config")
//		if err == nil {
//			node, err = client.Get(ctx, "/config") // the old data, or the new
//		}
//	}
//
// [SafeToRetry] says whether an operation may be repeated without a look. Package
// zk/retry repeats it.
//
// # Watches and subscriptions
//
// GetW, ExistsW and ChildrenW read and set a one-shot [Watch]. It fires at the
// first change after the read. A reconnect restores it, and a change that was
// missed meanwhile fires it. It ends with [ErrSessionExpired] when its session
// expires, and with [ErrWatchLost] when the server refuses to restore it. Then read
// again, with a new watch.
//
//	node, watch, err := client.GetW(ctx, "/config")
//	if err != nil {
//		return err
//	}
//	defer watch.Stop()
//	event, err := watch.Wait(ctx)
//
// Package zk/follow does this in a loop. It yields the newest state, over reconnects
// and expired sessions.
//
// A [Subscription] is a persistent watch, on one node or with [Recursive] on a whole
// subtree. It goes on over reconnects and in the next session. Servers do not replay
// what it missed. Instead it yields an [EventResync], which says that there is a gap:
// read everything again.
//
//	sub, err := client.Subscribe(ctx, "/services", zk.Recursive())
//	if err != nil {
//		return err
//	}
//	defer sub.Close()
//	for event, err := range sub.Events(ctx) {
//		switch {
//		case err != nil:
//			return err
//		case event.Type == zk.EventResync:
//			readAll()
//		default:
//			read(event.Path)
//		}
//	}
//
// # Pipelines and order
//
// Requests reach the server in the order in which they were made. One goroutine
// that calls Set and then Get sees its own write. A [Pipeline] sends many requests
// without a wait between them. Each call returns a [Future].
//
//	p := client.Pipeline()
//	made := p.Create(ctx, "/jobs/a", nil, zk.Persistent)
//	list := p.Children(ctx, "/jobs") // has a
//	listing, err := list.Wait(ctx)
//
// A pipeline has no holes. If a request ends without a verdict of the server, all
// later ones fail with [ErrPipelineBroken], and none of them is sent after that.
// A request that the server refuses does not break it. For all or nothing use
// [Client.Multi].
//
// # Leases
//
// A client that hears nothing from its servers cannot know whether its session
// still exists. So a program that relies on an ephemeral node, such as a lock, asks
// for a guard:
//
//	guard, release, err := session.Guard(ctx)
//	if err != nil {
//		return err
//	}
//	defer release()
//	for guard.Err() == nil {
//		workAsTheOwner(guard)
//	}
//
// The guard is a context. It ends before the ensemble can have expired the session,
// and so before anybody else can own what the session owned. It rests on the
// conditions that [Session.Guard] names; docs/lease.md has the proof. Release a
// guard that is not needed: while one lives, the client sends more heartbeats.
//
// A guard cannot stop a write that is on its way to another system. For that, send a
// fencing token along: the Czxid of the owned node. It is larger for each later
// owner, so the other system can refuse smaller ones.
//
// An ephemeral node that must belong to this very session, and to no later one, is
// created with [InSession].
//
// # Protected creates
//
// If the answer to the create of a sequential node is lost, the program does not
// know its name. Package zk/protect puts a GUID into the name. It then finds the node
// after the reconnect, or creates it if the first request never took effect.
//
//	made, err := protect.Create(ctx, client, "/queue/n-", nil, zk.EphemeralSequential)
//	// made.Path is /queue/_c_<GUID>-n-0000000007
//
// A node that the program no longer wants, and cannot delete now, goes to
// protect.Abandon, which deletes it in the background.
//
// Such background work is a [Companion] of its client: Close waits for it, and names
// what it could not confirm.
//
// # Hooks
//
// Metrics, traces and logs of requests stand on hooks. A hook is a value with a
// method of one of the Hook interfaces, such as [HookRequestAnswered]. [Hook] has
// the rules, and says what a slow hook delays.
//
//	func (m *metrics) OnRequestAnswered(e zk.RequestAnswered) {
//		m.latency.Observe(e.Op, e.Wait)
//	}
//
//	client, err := zk.Connect(ctx, zk.Config{Servers: servers, Hooks: []zk.Hook{m}})
package zk
