package acceptance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/zookit/zookit/internal/ensemble"
	"github.com/zookit/zookit/zk"
)

const (
	// slow is how long all may take to go well again before it is told what is
	// missing.
	slow = 5 * time.Second
	// stuck is how long nothing may go on before the ensemble is asked whether it
	// still opens sessions: longer than any fault's aftermath.
	stuck = 25 * time.Second
	// opening is how long a session may take to open on a busy machine.
	opening = 10 * time.Second
)

// errAsleep: every member says that it serves, and none of them opens a session.
var errAsleep = errors.New("acceptance: the ensemble opens no session")

// awake looks past all proxies whether the ensemble opens sessions.
//
// Apache ZooKeeper 3.8.0 has been seen not to, once in some fifteen hundred
// faults: its leader was stopped for about as long as its followers wait for it,
// they came back to it within its epoch, and from then on nothing was committed
// any more, with every member saying that it leads or follows. That is no fault
// of a client, and none that a client could mend.
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

// wake restarts the leader of an ensemble that is asleep, as its operator would.
// It reports whether that was needed.
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
