// Package chaos disturbs an embedded server at random, from a seed. Tests use it,
// to show that a copy of what is on the server comes out right whatever happens on
// the way.
//
// A Storm cuts connections, takes servers down and up again, silences and delays
// them, cuts one off from its leader, lets sessions expire, and picks single
// requests whose answer is lost, cut short, nonsense or an error. All choices come
// from one source, which the test's goroutine alone asks, so that a seed makes the
// same choices every time. Which request a fault meets can still differ between
// runs: goroutines of a bubble run side by side.
package chaos
