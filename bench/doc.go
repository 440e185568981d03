// Command bench runs the same workloads on zookit, on go-zookeeper/zk and on a
// bare socket that sends requests encoded beforehand, one after the other in
// every round, with the order of the clients rotated: against Apache ZooKeeper,
// and against a stub that answers at memory speed, which shows what the client
// itself costs.
//
//	go run . -md FIGURES.md -svg figures.svg
//
// It prints a table of every target, of which each holds when the median of the
// rounds' ratios does, and a table of every figure. Figures of one run can be
// compared with each other, not with those of another run or machine.
//
// The servers are started by the command, unless -servers names one: a standalone
// server, and an ensemble of three for the locks. The stub is a process of its
// own, so that the CPU time of the client's process is the client's.
package main
