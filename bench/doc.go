// Command bench runs the same workloads with three clients: zookit, go-zookeeper/zk,
// and a bare socket that sends requests encoded beforehand. In every round the clients
// run one after the other, in an order that rotates. The servers are Apache ZooKeeper
// and a stub that answers at memory speed. The stub shows the cost of the client alone.
//
//	go run . -md FIGURES.md -svg figures.svg
//
// It prints a table of all targets and a table of all figures. A target is met if the
// median of the rounds' ratios meets it. Figures of one run can be compared with each
// other, but not with figures of another run or another machine.
//
// The command starts the servers, unless -servers names one: a standalone server, and
// an ensemble of three for the locks. The stub runs in its own process, so that the CPU
// time of this process is that of the client.
package main
