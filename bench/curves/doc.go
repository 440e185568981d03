// Command curves measures how the cost of the recipes grows with the work: what
// one more waiter, member, instance, step or permit costs, for 10 to 100,000 of
// them, on the embedded server.
//
//	go run ./curves -before curves/before.json -md CURVES.md -svg curves.svg
//
// Each figure is the least of up to seven measurements. The counts (requests,
// writes, goroutines, watches, allocations) do not depend on the machine. The
// times do, and can be compared with those of the same run alone. Where round trips
// are not the point they are times on a processor, and contain what the embedded
// server needs, since it is in the same process.
//
// The file named by -before has the figures of an earlier state of the code, as
// -json writes them. The tables and the picture show both.
package main
