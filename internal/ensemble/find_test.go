package ensemble

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noServerNamed takes every variable that names a server or a Java out of the
// environment for this test: whoever runs the tests may have set them.
func noServerNamed(t *testing.T) {
	t.Helper()
	for _, name := range []string{envClasspath, envHome, "JAVA_HOME"} {
		t.Setenv(name, "")
	}
}

func TestFindRuntimes_SaysWhatIsMissing(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"class path", map[string]string{envClasspath: "/nowhere/zookeeper.jar"}, "/nowhere/zookeeper.jar"},
		{"home", map[string]string{envHome: "/nowhere"}, "/nowhere"},
		{"home without a server", map[string]string{envHome: empty}, "no zookeeper*.jar in ZOOKEEPER_HOME=" + empty},
		{"java home", map[string]string{"JAVA_HOME": empty}, "JAVA_HOME"},
		{"no java", map[string]string{"PATH": empty}, "default-jre-headless"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noServerNamed(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			_, err := findRuntimes()
			require.ErrorIs(t, err, ErrMissing)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFindRuntimes_ReportsBothAtOnceAndHowToInstallThem(t *testing.T) {
	old := debianJars
	debianJars = []string{filepath.Join(t.TempDir(), "zookeeper.jar")}
	defer func() { debianJars = old }()
	noServerNamed(t)
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.Context(), Options{})
	require.ErrorIs(t, err, ErrMissing)
	for _, want := range []string{"libzookeeper-java", "default-jre-headless", "scripts/install-test-deps.sh", envHome, envClasspath} {
		require.ErrorContains(t, err, want)
	}
}

func TestClasspath_OrderOfPlaces(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "lib"), 0o755))
	server, other := filepath.Join(home, "lib", "zookeeper-3.9.9.jar"), filepath.Join(home, "extra.jar")
	for _, jar := range []string{server, other} {
		require.NoError(t, os.WriteFile(jar, nil, 0o644))
	}
	noServerNamed(t)
	t.Setenv(envHome, home)
	cp, err := classpath()
	require.NoError(t, err)
	require.Equal(t, server+":"+other, cp)
	t.Setenv(envClasspath, other+":"+home+"/*")
	cp, err = classpath()
	require.NoError(t, err)
	require.Equal(t, other+":"+home+"/*", cp)
}

func TestOptions_AllProblemsAtOnce(t *testing.T) {
	_, err := Start(t.Context(), Options{
		Size: 2, TickTime: time.Microsecond, SyncLimit: -1, MinTimeout: time.Second, MaxTimeout: time.Millisecond,
	})
	for _, want := range []string{"Size is 2", "TickTime", "SyncLimit", "MaxTimeout"} {
		require.ErrorContains(t, err, want)
	}
	o, err := Options{}.withDefaults()
	require.NoError(t, err)
	require.Equal(t, Options{
		Size: 1, TickTime: 200 * time.Millisecond, InitLimit: 50, SyncLimit: 25,
		MinTimeout: 400 * time.Millisecond, MaxTimeout: time.Minute,
	}, o)
}

// A server that does not come up is reported with what it said, and nothing of
// it is left.
func TestStart_ShowsTheLogOfAServerThatEnds(t *testing.T) {
	_, err := Start(t.Context(), Options{Extra: []string{"tickTime=nonsense"}})
	require.ErrorContains(t, err, "member 0 ended")
	require.ErrorContains(t, err, "nonsense")
}
