// Command trialfaults runs the locks and elections of other people's programs under
// faults, on a real Apache ZooKeeper: once with go-zookeeper/zk, once with
// compat/gozookeeper in its place, and beside them the recipes of zookit. It measures what
// each does, and writes the tables of docs/trial-faults.md.
//
//	make trial-faults
//	cd trials/faults && go run . -programs gozklock -faults pause -rounds 1
//
// # How it works
//
// build.go makes a module of its own for each program and each library, in a temporary
// folder. Its main function is in testdata, and the program's packages come through the
// module proxy. The two builds differ by one replace line.
//
// Each contender is a process (child.go), with proxies of its own before each server
// (rig.go). A round (round.go) has three of them, A, B and C: A holds the lock, B waits,
// and one of the two gets the fault (faults.go). When the fault has ended, A releases. B
// must be granted the lock then, and C when B releases. The processes report when they
// hold the lock and when they work under it (package driver), and judge (verdict.go)
// computes from that who was in whose way.
//
// The log of each round is a file of its own. It has every order, report and log line,
// with its time.
package main
