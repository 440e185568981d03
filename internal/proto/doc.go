// Package proto is the ZooKeeper wire format: frames, records, op codes and
// error codes, in both directions, so that the client and the embedded server
// share one definition of every byte.
//
// It knows no network, no goroutine and no clock. Encoding appends to a slice
// that the caller owns. Decoding goes through a Reader that checks every length
// against the bytes that are there before it takes or allocates anything, keeps
// its first error, and never panics, whatever the bytes.
//
// Field orders and constants are those of Apache ZooKeeper's zookeeper.jute,
// ZooDefs and KeeperException (3.6 to 3.9).
package proto
