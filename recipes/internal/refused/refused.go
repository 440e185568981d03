// Package refused tells the server's no to a request from what became of the
// session or the connection.
package refused

import (
	"errors"

	"github.com/zookit/zookit/zk"
)

// By reports whether err is the server's answer about this very request, which
// another try would not change. That the session has expired is no such answer,
// although the server may give it as one: the next session is on its way, and the
// request can be made again in it.
func By(err error) bool {
	return zk.OutcomeOf(err) == zk.OutcomeRejected && !errors.Is(err, zk.ErrSessionExpired)
}
