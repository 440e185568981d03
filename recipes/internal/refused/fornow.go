package refused

import (
	"errors"

	"github.com/zookit/zookit/zk"
)

// ForNow reports whether err is the server's answer that it did nothing, for a
// reason that has to do with the server and not with the request: it has too
// much to do, or has no quorum. The same request can succeed after a pause.
func ForNow(err error) bool {
	return errors.Is(err, zk.ErrThrottled) || errors.Is(err, zk.ErrNotReadOnly)
}
