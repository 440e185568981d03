package zktest_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A client of Client works with every version, and is closed with the test.
func TestClient_OfEveryVersion(t *testing.T) {
	for _, v := range zktest.Versions() {
		t.Run(v.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := zktest.Start(t, zktest.Config{Version: v, Servers: 3})
				t.Cleanup(func() {
					if srv.Exists("/app/e") {
						t.Error("the client was not closed with the test")
					}
				})
				c := srv.Client(t)
				if got := c.Config().Compat.String(); got != v.String() {
					t.Errorf("level %s", got)
				}
				if _, err := c.Create(t.Context(), "/app", nil, zk.Persistent); err != nil {
					t.Error(err)
				}
				below := srv.Client(t, func(cfg *zk.Config) { cfg.Servers += "/app" })
				if _, err := below.Create(t.Context(), "/e", nil, zk.Ephemeral); err != nil {
					t.Error(err)
				}
				if !srv.Exists("/app/e") {
					t.Error("the chroot was lost")
				}
			})
		})
	}
}

// recorder is a test that records its failures.
type recorder struct {
	testing.TB
	said    []string
	cleanup []func()
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanup = append(r.cleanup, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

// A client that cannot connect ends the test, with the reason.
func TestClient_EndsATestThatCannotConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		r := &recorder{TB: t}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("Client has returned")
				}
			}()
			srv.Client(r, func(cfg *zk.Config) { cfg.MaxInFlight = -1 })
		}()
		if len(r.said) != 1 || !strings.HasPrefix(r.said[0], "zktest: Client: zk: connect") || len(r.cleanup) != 0 {
			t.Errorf("%q, and %d clean-ups", r.said, len(r.cleanup))
		}
	})
}
