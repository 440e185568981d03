// Package proto is the ZooKeeper wire format: frames, records, op codes and
// error codes. It encodes requests and decodes replies. Package
// internal/serverproto has the other direction, which only servers need.
//
// It knows no network, no goroutine and no clock. Encoding appends to a slice
// that the caller owns. Decoding goes through a Reader. The Reader checks every
// length against the bytes that are left before it reads or allocates anything.
// It keeps its first error, and it never panics.
//
// Field orders and constants are those of Apache ZooKeeper's zookeeper.jute,
// ZooDefs and KeeperException (3.6 to 3.9).
package proto
