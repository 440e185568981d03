// Package chaos disturbs an embedded server at random, from a seed. Tests use it to
// show that a copy of the server's data is correct in the end, whatever happens in
// between.
//
// A Storm cuts connections, stops and starts servers, silences and delays them,
// separates a server from its leader, and expires sessions. It also picks single
// requests whose reply is lost, cut short, invalid or an error. Only the test's
// goroutine asks the random source, so a seed always makes the same choices. Still,
// a fault can meet another request in another run, because the goroutines of a
// bubble run concurrently.
package chaos
