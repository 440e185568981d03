// Package zkdebug shows what the clients of a process do: as a page for people, as
// JSON, and as variables of package expvar.
//
//	http.Handle("/debug/zk", zkdebug.Handler(map[string]*zk.Client{"orders": client}))
//
// Statuses does the same for the states of recipes.
//
// Everything that Handler shows comes from [zk.Client.Stats]: from memory, without a
// request. There is no credential, no password of a session and no data of a node in it.
// But there are addresses of servers, ids of sessions and paths of subscriptions, and so
// the page belongs on a port for operators.
//
// The JSON has a stable form. Durations are in seconds. Session ids are strings, as in
// logs, because a number of JSON cannot hold them exactly everywhere.
//
// The package imports expvar, which registers /debug/vars in http.DefaultServeMux.
package zkdebug
