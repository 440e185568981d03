package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/recipes"
)

// contending is how long a crowd contends. each is the number of contenders of every
// kind.
const (
	contending = time.Second
	each       = 2
)

// turns counts how often a contender was inside, and how often it met another there.
type turns struct {
	who            string
	taken, overlap int
}

// contend runs our contenders and all of theirs at once in one directory. A contender
// that is inside creates a file, and removes it before it leaves. Creating the file
// fails if another contender is inside. A reader creates its own file, and so meets
// writers, but not other readers.
func (r *rig) contend(t *testing.T, dir string, crowd ...any) []turns {
	t.Helper()
	inside := filepath.Join(t.TempDir(), "inside")
	var calls []*call
	var all []turns
	var work sync.WaitGroup
	var mu sync.Mutex // guards the variable all
	for _, member := range crowd {
		for range each {
			switch m := member.(type) {
			case theirs:
				h := m.contender(t, r, dir)
				calls = append(calls, h.order("contend", inside, strconv.FormatInt(contending.Milliseconds(), 10)))
			case ours:
				work.Go(func() {
					done, err := r.takeTurns(within(t), m, dir, inside)
					mu.Lock()
					defer mu.Unlock()
					all = append(all, done)
					if err != nil {
						t.Errorf("our %s: %v", m.name, err)
					}
				})
			}
		}
	}
	work.Wait()
	for _, c := range calls {
		done := turns{who: c.p.name}
		_, err := fmt.Sscan(c.wait(t), &done.taken, &done.overlap)
		require.NoError(t, err)
		all = append(all, done)
	}
	return all
}

// takeTurns runs one of our contenders.
func (r *rig) takeTurns(ctx context.Context, o ours, dir, inside string) (turns, error) {
	done := turns{who: "our " + o.name}
	var last int64
	for end := time.Now().Add(contending); time.Now().Before(end); done.taken++ {
		g, err := o.acquire(ctx, r.c, dir)
		if err != nil {
			return done, err
		}
		enter := o.visit
		if enter == nil {
			enter = visit
		}
		alone, err := enter(inside)
		if err != nil {
			return done, err
		}
		if !alone {
			done.overlap++
		}
		if g.Token() <= last {
			return done, fmt.Errorf("token %d after %d", g.Token(), last)
		}
		last = g.Token()
		if err := g.Release(ctx); err != nil {
			return done, err
		}
	}
	return done, nil
}

func TestContention_OneAtATimeAndEverybodyGetsTurns(t *testing.T) {
	r := sharedRig(t)
	inKazoo := []any{ourReader(recipes.Kazoo), ourWriter(recipes.Kazoo), kazooWriteLock}
	if newest {
		// Readers of kazoo 2.8 wait also for writers behind them, and these wait for the
		// readers: kazoo's writers and ours alike. Readers of 2.11.0 do not.
		inKazoo = append(inKazoo, kazooReadLock)
	}
	crowds := [][]any{
		{ourLock(recipes.Curator), curatorLock, goLocks},
		{ourReader(recipes.Curator), ourWriter(recipes.Curator), curatorReadLock, curatorWriteLock},
		inKazoo,
	}
	for _, p := range pairs {
		if p.theirs.recipe != "readlock" && p.ours.recipe != "reader" && p.ours.recipe != "writer" {
			crowds = append(crowds, []any{p.ours, p.theirs})
		}
	}
	for _, crowd := range crowds {
		t.Run(names(crowd), func(t *testing.T) {
			dir := r.dir()
			for _, done := range r.contend(t, dir, crowd...) {
				t.Logf("%s: %d turns", done.who, done.taken)
				require.Zero(t, done.overlap, "%s was not alone", done.who)
				require.Greater(t, done.taken, 1, "%s got no turns", done.who)
			}
			r.awaitEmpty(t, dir)
		})
	}
}

// Curator and kazoo do not exclude each other. This is why our dialects must not be
// mixed. The crowd detects it, so it would also detect such a fault in our recipes.
func TestContention_CuratorAndKazooMeetInside(t *testing.T) {
	r := sharedRig(t)
	met := 0
	for _, done := range r.contend(t, r.dir(), curatorLock, kazooLock) {
		t.Logf("%s: %d turns, %d not alone", done.who, done.taken, done.overlap)
		met += done.overlap
	}
	require.NotZero(t, met)
}

func names(crowd []any) string {
	name := ""
	for _, m := range crowd {
		if name != "" {
			name += ", "
		}
		if o, ok := m.(ours); ok {
			name += "our " + o.name
		} else {
			name += fmt.Sprint(m)
		}
	}
	return name
}
