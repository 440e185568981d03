package interop

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	gozk "github.com/go-zookeeper/zk"
)

// goPeer is the peer of go-zookeeper/zk: one client whose locks follow the orders on
// the standard input, until that ends.
func goPeer(args []string) {
	millis, err := strconv.Atoi(args[1])
	if err != nil {
		panic(err)
	}
	conn, events, err := gozk.Connect(strings.Split(args[0], ","), time.Duration(millis)*time.Millisecond)
	if err != nil {
		panic(err)
	}
	for ev := range events {
		if ev.State == gozk.StateHasSession {
			break
		}
	}
	var saying sync.Mutex
	say := func(format string, args ...any) {
		saying.Lock()
		defer saying.Unlock()
		fmt.Printf(format+"\n", args...)
	}
	say("session %d", conn.SessionID())

	handles := map[string]chan []string{}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		orders, ok := handles[f[1]]
		if !ok {
			orders = make(chan []string, 100)
			handles[f[1]] = orders
			go func() {
				var l *goLock
				for order := range orders {
					result, err := "", error(nil)
					if order[2] == "new" {
						l, err = newGoLock(conn, order[3:])
					} else {
						result, err = l.run(order[2], order[3:])
					}
					if err != nil {
						say("%s error %v", order[0], err)
					} else {
						say("%s ok %s", order[0], result)
					}
				}
			}()
		}
		orders <- f
	}
	conn.Close()
}

// goLock is go-zookeeper/zk's lock.
type goLock struct{ lock *gozk.Lock }

func newGoLock(conn *gozk.Conn, args []string) (*goLock, error) {
	if args[0] != "lock" {
		return nil, fmt.Errorf("no recipe %s", args[0])
	}
	return &goLock{lock: gozk.NewLock(conn, args[1], gozk.WorldACL(gozk.PermAll))}, nil
}

func (l *goLock) run(verb string, args []string) (string, error) {
	switch verb {
	case "acquire":
		return "", l.lock.Lock()
	case "release":
		return "", l.lock.Unlock()
	case "contend":
		millis, err := strconv.Atoi(args[1])
		if err != nil {
			return "", err
		}
		turns, overlaps := 0, 0
		for end := time.Now().Add(time.Duration(millis) * time.Millisecond); time.Now().Before(end); turns++ {
			if err := l.lock.Lock(); err != nil {
				return "", err
			}
			alone, err := visit(args[0])
			if err != nil {
				return "", err
			}
			if !alone {
				overlaps++
			}
			if err := l.lock.Unlock(); err != nil {
				return "", err
			}
		}
		return fmt.Sprint(turns, " ", overlaps), nil
	}
	return "", fmt.Errorf("no verb %s", verb)
}

// visit is what a contender does while it is inside: it creates the file and removes
// it. It reports whether it was alone.
func visit(inside string) (alone bool, err error) {
	f, err := os.OpenFile(inside, os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	time.Sleep(time.Millisecond) // gives another contender time to get in wrongly
	files, err := os.ReadDir(filepath.Dir(inside))
	return len(files) == 1, errors.Join(err, f.Close(), os.Remove(inside))
}

// visitAsReader is what a reader does while it is inside: it creates its own file and
// removes it. It reports whether no writer was inside. If a reader and a writer meet,
// the one that creates its file later sees the other's file.
func visitAsReader(inside string) (alone bool, err error) {
	f, err := os.CreateTemp(filepath.Dir(inside), "reader")
	if err != nil {
		return false, err
	}
	time.Sleep(time.Millisecond)
	_, err = os.Stat(inside)
	alone = errors.Is(err, fs.ErrNotExist)
	return alone, errors.Join(f.Close(), os.Remove(f.Name()))
}
