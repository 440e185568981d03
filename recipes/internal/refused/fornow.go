package refused

import (
	"errors"

	"github.com/zookit/zookit/zk"
)

// ForNow reports whether the server did nothing because of its own state: it is
// overloaded, or it has no quorum. The same request can succeed after a pause.
func ForNow(err error) bool {
	return errors.Is(err, zk.ErrThrottled) || errors.Is(err, zk.ErrNotReadOnly)
}
