// Package acceptance is the safety suite of the recipes: contenders and
// candidates in several processes on a real ensemble, faults of every kind, and
// a history of their claims that two checkers must accept.
//
// A claim has two operations of no width on one monotonic clock of the machine:
// acquired, when Acquire returned, with the token; ended, when the claim's
// context ended or just before Release was called, whichever came first. One
// operation over the whole hold would let a checker put two overlapping holds
// one after the other.
//
// Run takes any ensemble.Ensemble. What an ensemble cannot do is printed as
// left out; nothing else is ever passed over. The package that calls Run has a
// TestMain that calls Worker first, since the contenders of other processes are
// the test binary started again.
//
// Lease is a suite of its own. It attacks the lease alone: between two PINGs of the
// leader the requests of many holders are held up, and then their server is lost.
package acceptance
