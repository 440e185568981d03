// Package zkotel shows clients of Apache ZooKeeper to OpenTelemetry: traces and metrics
// by the semantic conventions of databases.
//
//	telemetry, err := zkotel.New(zkotel.Options{})
//	...
//	client, err := zk.Connect(ctx, zk.Config{Servers: servers, Hooks: []zk.Hook{telemetry}})
//
// # Spans
//
// Each call has a span of kind client, with the span of the call's context as its
// parent. A pipelined call has one too: it ends with the result. The name is that of the
// operation, such as "get". The attributes are db.system.name (zookeeper),
// db.operation.name, zookit.tries and zookit.pipelined, and zookit.room_wait if the call
// waited for room (zk.Config.MaxInFlight). A call that failed has the status Error,
// error.type and zookit.outcome, which is rejected, not_sent or unknown. If the server
// refused it, the code is in db.response.status_code.
//
// Each wait for a lock, a semaphore, an election or a double barrier has a span
// "acquire lock" and so on. Its events are "queued", with the number of contenders ahead
// in zookit.ahead, and "granted". The requests of the recipe are not below this span, but
// beside it: they have the same parent.
//
// Each hold has a span "hold lock" and so on, from the grant to the end. It is created at
// the end, and has a link to the span of its acquisition. It has the same parent, so a
// trace shows who held the lock meanwhile. A leadership outlives the call that began it,
// so its span begins a trace of its own. A hold that was lost has the status Error, and
// its error.type says why.
//
// The span of a hold has no children: the work under a hold belongs to the program.
//
// # Metrics
//
//   - db.client.operation.duration: calls, by db.operation.name and error.type.
//   - zookit.acquisition.duration: waits for a hold, by zookit.recipe and
//     zookit.acquisition.result, which is granted, held (TryAcquire found another holder)
//     or gave_up. A hold that was resumed counts as granted at once.
//   - zookit.hold.duration: holds that have ended, by zookit.recipe and zookit.hold.end,
//     which is released, closed (the program closed or detached the client) or lost.
//   - zookit.hold.active: holds that have not ended, by zookit.recipe.
//   - zookit.hold.losses: holds that were lost, by zookit.recipe and error.type.
//
// # What is bounded
//
// Every attribute of a metric has few values: the names of operations, recipes and
// results, and a fixed list of error types. Unknown errors are "_OTHER".
//
// Paths, and the texts of errors, which contain paths, are in no metric. They are in
// spans only with Options.Paths.
//
// Open acquisitions and holds are kept up to Options.MaxOpen. A further one displaces the
// oldest.
//
// The package is a module of its own, so that nobody else depends on
// go.opentelemetry.io/otel.
package zkotel
