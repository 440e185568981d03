package ensemble

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// noServerNamed removes every variable that names a server or a Java from the
// environment of this test. They may be set where the tests run.
func noServerNamed(t *testing.T) {
	t.Helper()
	for _, name := range []string{envClasspath, envHome, envVersion, "JAVA_HOME"} {
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
		{"version", map[string]string{envVersion: "3.3"}, `"3.3": want one of 3.4 to 3.9`},
		{"java home", map[string]string{"JAVA_HOME": empty}, "JAVA_HOME"},
		{"no java", map[string]string{"PATH": empty}, "default-jre-headless"},
	} {
		t.Run(c.name, func(t *testing.T) {
			noServerNamed(t)
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			_, err := findRuntimes(Default)
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
	cp, err := classpath(Default)
	require.NoError(t, err)
	require.Equal(t, server+":"+other, cp)
	t.Setenv(envClasspath, other+":"+home+"/*")
	cp, err = classpath(Default)
	require.NoError(t, err)
	require.Equal(t, other+":"+home+"/*", cp)
}

// The newest server is in a folder of the repository, wherever a test runs in it.
func TestClasspath_OfTheNewestRelease(t *testing.T) {
	noServerNamed(t)
	root := t.TempDir()
	inside := filepath.Join(root, "recipes", "lock")
	jars := filepath.Join(root, newest)
	for _, dir := range []string{inside, jars, filepath.Join(root, "scripts")} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	t.Chdir(inside)
	_, err := classpath(V39)
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "this folder is not in it")

	require.NoError(t, os.WriteFile(filepath.Join(root, installer), nil, 0o755))
	_, err = classpath(V39)
	require.ErrorIs(t, err, ErrMissing, "a folder that was not filled to the end")
	require.ErrorContains(t, err, installer)

	require.NoError(t, os.WriteFile(filepath.Join(jars, "pom.xml"), nil, 0o644))
	cp, err := classpath(V39)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(jars, "*"), cp)

	t.Setenv(envVersion, "3.9")
	cp, err = classpath(Default)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(jars, "*"), cp)
}

// The lists of jars have the names of the folders that this package looks for.
func TestClasspath_ReleasesAreListed(t *testing.T) {
	for v, folder := range folders {
		dir := filepath.Join("..", "..", "..", "scripts", "jars")
		if v != V39 {
			dir = filepath.Join(dir, "older")
		}
		require.FileExists(t, filepath.Join(dir, filepath.Base(folder)+".xml"))
	}
}

// An older release is looked for where `make versions` puts it, and then the tests that
// compare releases compare that one alone.
func TestClasspath_OfAnOlderRelease(t *testing.T) {
	noServerNamed(t)
	t.Setenv(envVersion, "3.5")
	require.Equal(t, []Version{V35}, Versions())
	root := t.TempDir()
	t.Chdir(root)
	require.NoError(t, os.Mkdir("scripts", 0o755))
	require.NoError(t, os.WriteFile(installer, nil, 0o755))
	_, err := classpath(Default)
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "make versions")

	require.NoError(t, os.MkdirAll(folders[V35], 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(folders[V35], "pom.xml"), nil, 0o644))
	cp, err := classpath(Default)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, folders[V35], "*"), cp)
}

// A test that needs one version gets it, whatever the environment names.
func TestVersions_AreWhatTheyAreCalled(t *testing.T) {
	t.Setenv(envVersion, "3.3")
	t.Setenv(envClasspath, "/nowhere")
	for _, v := range Versions() {
		t.Run(string(v), func(t *testing.T) {
			e := Run(t, Options{Version: v})
			s, err := Ask(t.Context(), e.DirectAddr(0))
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(s.Version, string(v)+"."), s.Version)
		})
	}
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

// If a server does not start, the error has its output, and nothing of it is left.
func TestStart_ShowsTheLogOfAServerThatEnds(t *testing.T) {
	_, err := Start(t.Context(), Options{Extra: []string{"tickTime=nonsense"}})
	require.ErrorContains(t, err, "member 0 ended")
	require.ErrorContains(t, err, "nonsense")
}
