package lock

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/zookit/zookit/recipes"
	"github.com/zookit/zookit/recipes/internal/pace"
	"github.com/zookit/zookit/recipes/internal/refused"
	"github.com/zookit/zookit/zk"
)

// Errors of a semaphore's limit.
var (
	// ErrNoLimit: no limit is stored yet, and NewSemaphore was given none.
	ErrNoLimit = errors.New("no limit is stored: call SetLimit, or give NewSemaphore a limit")
	// ErrBadLimit: the given limit, or the data of the directory, is not a limit.
	ErrBadLimit = errors.New("not a limit")
	// ErrLimitMismatch is what errors.Is finds in a MismatchError.
	ErrLimitMismatch = errors.New("limit mismatch")
	// ErrOverLimit is what errors.Is finds in an OverLimitError.
	ErrOverLimit = errors.New("more than the limit")
)

// MismatchError says that another limit is stored than the semaphore insists on.
type MismatchError struct {
	Dir          string
	Stored, Want int
}

// Error names both limits. The error that wraps it names the directory.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%v: %d is stored, and NewSemaphore was given %d: give it 0 to use what is stored", ErrLimitMismatch, e.Stored, e.Want)
}

// Is reports whether target is ErrLimitMismatch.
func (e *MismatchError) Is(target error) bool { return target == ErrLimitMismatch }

// OverLimitError says that a request wants more permits than the limit.
type OverLimitError struct {
	Dir            string
	Permits, Limit int
}

// Error names the number of permits and the limit. The error that wraps it names the
// directory.
func (e *OverLimitError) Error() string {
	return fmt.Sprintf("%d permits are more than the limit of %d", e.Permits, e.Limit)
}

// Is reports whether target is ErrOverLimit.
func (e *OverLimitError) Is(target error) bool { return target == ErrOverLimit }

// encodeLimit returns the data of the directory: four bytes as in Curator's
// SharedCount, or a decimal number as in kazoo.
func encodeLimit(d recipes.Dialect, n int) []byte {
	if d == recipes.Kazoo {
		return []byte(strconv.Itoa(n))
	}
	return binary.BigEndian.AppendUint32(nil, uint32(n))
}

// decodeLimit returns the limit in the directory's data, or 0 if there is none yet.
func decodeLimit(d recipes.Dialect, data []byte) (int, error) {
	n, form := 0, "four bytes"
	switch {
	case len(data) == 0:
		return 0, nil
	case d == recipes.Kazoo:
		form = "a decimal number"
		n, _ = strconv.Atoi(string(data))
	case len(data) == 4:
		n = int(int32(binary.BigEndian.Uint32(data)))
	}
	if n <= 0 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%w: the directory has the data %q: want a number above 0, as %s", ErrBadLimit, data[:min(len(data), 20)], form)
	}
	return n, nil
}

// Limit returns the stored limit, or ErrNoLimit if there is none.
func (s *Semaphore) Limit(ctx context.Context) (int, error) {
	if err := s.usable(ctx, "limit"); err != nil {
		return 0, err
	}
	node, err := s.c.Get(ctx, s.dir)
	if err != nil && !errors.Is(err, zk.ErrNoNode) {
		return 0, s.wrap(err)
	}
	n, err := decodeLimit(s.cfg.Dialect, node.Data)
	if err == nil && n == 0 {
		err = ErrNoLimit
	}
	if err != nil {
		return 0, s.wrap(err)
	}
	return n, nil
}

// SetLimit stores another limit, at least 1. It holds for all clients at once, even
// while permits are held. Waiting requests are served by the new limit. Permits that
// are held stay held, even if they are more than the new limit.
//
// From then on this semaphore insists on no limit. Another one that insists on the
// old limit gets ErrLimitMismatch. An error with OutcomeUnknown says that the limit
// may be stored.
func (s *Semaphore) SetLimit(ctx context.Context, n int) error {
	if err := s.usable(ctx, "set limit"); err != nil {
		return err
	}
	if n < 1 || n > math.MaxInt32 {
		return s.wrap(refused.AtOnce("set limit", s.dir, fmt.Errorf("%w: %d: want 1 to %d", ErrBadLimit, n, math.MaxInt32)))
	}
	// want is cleared before the limit is stored. A request that waits in this process
	// may read the new limit before the reply to the Set comes, and must not return
	// ErrLimitMismatch.
	insisted := s.want.Swap(0)
	data := encodeLimit(s.cfg.Dialect, n)
	_, err := s.c.Set(ctx, s.dir, data, zk.AnyVersion)
	for again := (pace.Retries{}); errors.Is(err, zk.ErrNoNode); {
		if err = s.createDir(ctx, data); errors.Is(err, zk.ErrNodeExists) {
			if err = again.Soon(ctx, context.Background()); err != nil {
				break
			}
			_, err = s.c.Set(ctx, s.dir, data, zk.AnyVersion)
		}
	}
	if err != nil {
		if zk.OutcomeOf(err) != zk.OutcomeUnknown {
			s.want.CompareAndSwap(0, insisted)
		}
		return s.wrap(err)
	}
	return nil
}

// createDir creates the directory. It is not a container, because the limit must
// stay when nobody holds a permit.
func (s *Semaphore) createDir(ctx context.Context, data []byte) error {
	if err := recipes.EnsurePath(ctx, s.c, zk.Parent(s.dir), s.cfg.ACL...); err != nil {
		return err
	}
	var opts []zk.CreateOption
	if len(s.cfg.ACL) > 0 {
		opts = append(opts, zk.WithACL(s.cfg.ACL...))
	}
	_, err := s.c.Create(ctx, s.dir, data, zk.Persistent, opts...)
	return err
}

// setting is a limit with the version and the czxid of the directory that had it.
type setting struct {
	limit   int
	version zk.Version
	czxid   int64
}

// limit returns the limit for a request of n permits. If none is stored, it stores
// the one that the semaphore insists on. With watch it also returns a watch that
// fires when the limit may have changed. doubt notes whether the limit may have been
// stored.
func (s *Semaphore) limit(ctx context.Context, n int, watch bool, doubt *pace.Doubt) (set setting, w *zk.Watch, err error) {
	defer func() {
		if err != nil {
			w.Stop()
			w = nil
		}
	}()
	var again pace.Retries // of store, and of a sync that is refused for now
	for synced := false; ; {
		var node zk.Node
		if watch {
			node, w, err = s.c.GetW(ctx, s.dir)
		} else {
			node, err = s.c.Get(ctx, s.dir)
		}
		absent := errors.Is(err, zk.ErrNoNode)
		if err != nil && !absent {
			return set, w, err
		}
		set.version, set.czxid = zk.Version(node.Stat.Version), node.Stat.Czxid
		set.limit, err = s.accept(node.Data, n)
		want := int(s.want.Load())
		switch {
		case err == nil:
			return set, w, nil
		case errors.Is(err, ErrNoLimit) && want != 0:
			if err = s.store(ctx, want, absent, set.version, doubt); err == nil {
				err = again.Soon(ctx, context.Background())
			}
		case synced:
			return set, w, err
		default:
			// Read once more after a sync. The caller may know from another process
			// that the limit was changed, while this server still shows the old one.
			err = s.c.Sync(ctx, s.dir)
			if synced = err == nil; refused.ForNow(err) {
				err = again.Soon(ctx, context.Background())
			}
		}
		if err != nil {
			return set, w, err
		}
		w.Stop()
	}
}

// accept returns the limit in the directory's data, or an error if it does not allow
// a request of n permits.
func (s *Semaphore) accept(data []byte, n int) (int, error) {
	limit, err := decodeLimit(s.cfg.Dialect, data)
	want := int(s.want.Load())
	switch {
	case err != nil:
		return 0, err
	case limit == 0:
		return 0, ErrNoLimit
	case want != 0 && limit != want:
		return 0, &MismatchError{Dir: s.dir, Stored: limit, Want: want}
	case n > limit:
		return 0, &OverLimitError{Dir: s.dir, Permits: n, Limit: limit}
	}
	return limit, nil
}

// store stores the first limit. If it returns nil, the caller reads the limit again:
// another client may have stored one first, or the reply may have been lost.
func (s *Semaphore) store(ctx context.Context, limit int, absent bool, v zk.Version, doubt *pace.Doubt) error {
	data := encodeLimit(s.cfg.Dialect, limit)
	var err error
	if absent {
		err = s.createDir(ctx, data)
	} else {
		_, err = s.c.Set(ctx, s.dir, data, v)
	}
	doubt.Note(err)
	switch {
	case err == nil, errors.Is(err, zk.ErrNodeExists), errors.Is(err, zk.ErrNoNode), errors.Is(err, zk.ErrBadVersion):
		return nil
	case refused.ForNow(err):
		return nil
	case zk.OutcomeOf(err) == zk.OutcomeUnknown && ctx.Err() == nil && !errors.Is(err, zk.ErrClosed):
		return nil
	}
	return err
}
