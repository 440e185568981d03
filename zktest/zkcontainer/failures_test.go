package zkcontainer_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/zktest/zkcontainer"
)

func TestRun_SaysAllThatIsWrongWithItsOptions(t *testing.T) {
	_, err := zkcontainer.Run(t.Context(),
		zkcontainer.Members(2), zkcontainer.Tick(time.Microsecond), zkcontainer.Limits(-1, 5),
		zkcontainer.SessionTimeouts(2*time.Second, time.Second), zkcontainer.Config("a=1\nb=2"),
		zkcontainer.TLS(zkcontainer.TLSFiles{KeyStore: "/no/such.pem", ClientAuth: "perhaps"}))
	for _, part := range []string{
		"Members(2)", "Tick(1µs)", "Limits(-1, 5)", "SessionTimeouts(2s, 1s)", `"a=1\nb=2" is more than one line`,
		"TLSFiles.KeyStore: open /no/such.pem", "TLSFiles.TrustStore", `ClientAuth is "perhaps"`,
	} {
		require.ErrorContains(t, err, part)
	}
}

func TestRun_SaysWhatToDoWithoutTheImage(t *testing.T) {
	const image = "localhost:1/no/such/image:1"
	_, err := zkcontainer.Run(within(t), zkcontainer.Image(image))
	require.ErrorIs(t, err, zkcontainer.ErrNoImage)
	require.ErrorContains(t, err, image)
	require.ErrorContains(t, err, zkcontainer.ImageEnv)
}

// testcontainers-go chooses an engine once in a process, so the test runs another
// process. It also tries the usual sockets if DOCKER_HOST does not work. A certificate
// that does not exist keeps it from all of them.
func TestRun_SaysWhatToDoWithoutAnEngine(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(within(t), self)
	cmd.Env = append(os.Environ(), asStranger+"=1", "DOCKER_TLS_VERIFY=1", "DOCKER_CERT_PATH="+t.TempDir())
	out, err := cmd.Output()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "true zkcontainer: no container engine answers")
	require.Contains(t, string(out), "DOCKER_HOST")
}

func TestRun_LeavesNothingWhenAServerDoesNotComeUp(t *testing.T) {
	start := time.Now()
	_, err := zkcontainer.Run(within(t), zkcontainer.Members(3), zkcontainer.Config("tickTime=never"))
	require.ErrorContains(t, err, "the end of its log")
	require.ErrorContains(t, err, "never", "the log says why")
	require.Less(t, time.Since(start), 45*time.Second, "it waited for what had ended")
	require.NoError(t, nothingLeft())
}

func TestRun_LeavesNothingWhenItIsCancelled(t *testing.T) {
	for _, after := range []time.Duration{50, 200, 600} {
		ctx, cancel := context.WithTimeout(t.Context(), after*time.Millisecond)
		_, err := zkcontainer.Run(ctx, zkcontainer.Members(3))
		cancel()
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, nothingLeft())
	}
}
