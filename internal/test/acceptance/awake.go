package acceptance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
)

const (
	// slow is how long the recovery from a fault may take before the log says what
	// is missing.
	slow = 5 * time.Second
	// stuck is how long the contenders may make no progress before the suite checks
	// that the ensemble still opens sessions. It is longer than the aftermath of
	// any fault.
	stuck = 25 * time.Second
	// opening is how long a session may take to open on a busy machine.
	opening = 10 * time.Second
)

// errAsleep: every member reports that it serves, but none opens a session.
var errAsleep = errors.New("acceptance: the ensemble opens no session")

// awake checks, without the proxies, that the ensemble opens sessions.
//
// Apache ZooKeeper 3.8.0 sometimes does not, about once in fifteen hundred faults:
//
//  1. The leader is stopped for about as long as its followers wait for it.
//  2. The followers return to it within its epoch.
//  3. From then on nothing is committed, and every member reports that it leads or
//     follows.
//
// That is no fault of a client, and a client cannot repair it.
func awake(ctx context.Context, e ensemble.Ensemble) error {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	c, err := zk.Connect(ctx, zk.Config{Servers: e.Direct(), SessionTimeout: sessionTimeout})
	if err != nil {
		return fmt.Errorf("%w: %w", errAsleep, err)
	}
	closing, cancelClosing := context.WithTimeout(context.WithoutCancel(ctx), opening)
	defer cancelClosing()
	return c.Close(closing)
}

// wake restarts the leader of an ensemble that opens no sessions, as its operator
// would. It reports whether that was needed.
func wake(ctx context.Context, e ensemble.Ensemble) (bool, error) {
	if err := awake(ctx, e); !errors.Is(err, errAsleep) {
		return false, err
	}
	leader, err := e.Leader(ctx)
	if err != nil {
		return true, err
	}
	if err := errors.Join(e.Kill(leader), e.Start(ctx, leader), e.Ready(ctx)); err != nil {
		return true, err
	}
	return true, awake(ctx, e)
}
