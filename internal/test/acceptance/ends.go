package acceptance

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"
)

// lastLeader lets the candidates elect one more leader and waits until every
// observer has seen it.
func lastLeader(ctx context.Context, c *zk.Client, b *board) error {
	l, err := election.New(c, electionDir, election.Config{ID: "the last"}).Campaign(ctx)
	if err != nil {
		return err
	}
	err = b.await(ctx, func() bool {
		for _, token := range b.observed {
			if token != l.Token() {
				return false
			}
		}
		return len(b.observed) == 1+processes
	})
	return errors.Join(err, l.Resign(ctx))
}

// nothingLeft waits until no directory has a child and no member has a watch, while
// every client is still connected. What clients do in the background ends soon.
// Nothing else may be left.
func nothingLeft(ctx context.Context, c *zk.Client, e ensemble.Ensemble) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := somethingLeft(ctx, c, e)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("acceptance: left behind: %w", err)
		}
	}
}

func somethingLeft(ctx context.Context, c *zk.Client, e ensemble.Ensemble) error {
	dirs := []string{electionDir, groupDir, servicesDir + "/" + service, barrierDir, locksDir + "/" + sharedLock}
	for _, name := range append([]string{semaphore + "/locks", semaphore + "/leases"}, lockNames...) {
		dirs = append(dirs, locksDir+"/"+name)
	}
	for _, dir := range dirs {
		names, _, err := c.Children(ctx, dir)
		if err != nil && !errors.Is(err, zk.ErrNoNode) { // an empty container is removed
			return err
		}
		if dir == barrierDir {
			// If all parties gave up as the round began, this node is left for the
			// next round.
			names = slices.DeleteFunc(names, func(name string) bool { return name == "ready" })
		}
		if len(names) > 0 {
			return fmt.Errorf("%s has %q", dir, names)
		}
	}
	for m := range e.Size() {
		text, err := e.FourLetter(ctx, m, "wchs")
		if err != nil {
			return err
		}
		var connections, paths, watches int
		if _, err := fmt.Sscanf(text, "%d connections watching %d paths\nTotal watches:%d", &connections, &paths, &watches); err != nil {
			return fmt.Errorf("member %d answers wchs with %q", m, text)
		}
		if watches > 0 {
			paths, _ := e.FourLetter(ctx, m, "wchp")
			return fmt.Errorf("member %d has %d watches: %s", m, watches, paths)
		}
	}
	return nil
}
