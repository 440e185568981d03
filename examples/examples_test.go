package examples_test

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// Each example prints its expected lines on the embedded server and on a real one.
func TestExamples_PrintTheirStory(t *testing.T) {
	stories := map[string][]string{
		"quickstart": {"leads, token", "holds the lock too, and has written under it", "the lock's context ended: session lease lapsed", "a write under the old lock is refused: ", "no longer held"},
		"tour": {
			"exists: false", "data: hello", "set by the old version refused: true rejected",
			"delete of the parent refused: true", "watch: created\nevents: 1",
		},
		"lock": {"bob cannot have it: true", "with a higher token: true", "late write refused: true"},
		"rwlock": {
			"bob reads beside her", "cannot write while she reads: true", "bob cannot read: true",
			"only reads what she wrote: true", "bob reads it too",
		},
		"semaphore": {
			"bob cannot have 2: true", "nobody can have 4: true", "of 4 bob has 2", "  bob: holder true", "nothing is taken back: true",
		},
		"election": {"leader: a\nleader: c\nleader: b\nleader: a"},
		"groupmembership": {
			"members at first: 0", "joined: alice with \"starting\"\njoined: bob", "changed: alice to \"ready\"",
			"left: bob\nalice is still a member: true\nbob is not: left",
		},
		"barrier": {
			"the gate is closed: true", "the slowest is done\nworker", "worker 2 left: left the barrier",
			"all in one round: true", "one alone does not get in: barrier: ",
		},
		"health": {
			"before the election, /readyz: 503 Service Unavailable\nelection: election: neither leader nor candidate",
			"as the leader, /readyz: 200 OK\nelection: ok\nmember: ok\nzookeeper: ok\n",
			"at the end, /readyz: 503", "member: groupmembership: the member is ended: left the group",
			"at the end, /healthz: 200 OK\nzookeeper: ok\n", "after Close, /healthz: 503",
		},
		"discovery": {
			"in turns: blue.example green.example blue.example", "draining: green.example green.example",
			"still better than none: green.example", "the cache ended: true",
		},
	}
	e := ensemble.Run(t, ensemble.Options{Size: 1})
	for name, story := range stories {
		for where, args := range map[string][]string{"embedded": nil, "real": {"-servers", e.Servers()}} {
			t.Run(name+" "+where, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				out, err := exec.CommandContext(ctx, "go", append([]string{"run", "./" + name}, args...)...).CombinedOutput()
				require.NoError(t, err, "%s", out)
				for _, line := range story {
					require.Contains(t, string(out), line)
				}
				if name == "quickstart" {
					requireShown(t, "../README.md", name, string(out))
				}
			})
		}
	}
}
