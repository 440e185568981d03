// Package acceptance is the safety suite of the recipes. Contenders and candidates
// run in several processes on a real ensemble, under every kind of fault. Two
// checkers must accept the history of their claims.
//
// A claim is two operations without duration on one monotonic clock of the machine.
// "Acquired" is when Acquire returned, with the token. "Ended" is when the claim's
// context ended, or just before Release was called, whichever came first. One
// operation for the whole hold would be wrong: a checker could order two
// overlapping holds one after the other.
//
// Run takes any ensemble.Ensemble. It prints which faults are left out because the
// ensemble does not support them. It leaves out nothing else. The TestMain of a
// package that calls Run must first call Worker, since the other processes are the
// test binary started again.
//
// Lease is a separate suite, which attacks only the lease. Between two PINGs of the
// leader it delays the requests of many holders, and then their server is lost.
package acceptance
