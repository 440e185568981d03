// Command curves measures how the cost of the recipes grows on the embedded server: the
// cost of one more waiter, member, instance, step or permit, for 10 to 100,000 of them.
//
//	go run ./curves -before curves/before.json -md CURVES.md -svg curves.svg
//
// Each figure is the minimum of up to seven measurements. The counts (requests, writes,
// goroutines, watches, allocations) do not depend on the machine. The times do, and can
// be compared only with times of the same run. Unless a curve is about round trips, its
// times are CPU times. They include the embedded server's, which is in this process.
//
// The file that -before names has the figures of an earlier version of the code, as
// -json writes them. The tables and the picture show both.
package main
