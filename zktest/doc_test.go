package zktest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// The package's documentation shows the two tests below.

func TestWithServer(t *testing.T) {
	srv := zktest.Start(t, zktest.Config{})
	client := srv.Client(t)

	if _, err := client.Create(t.Context(), "/a", []byte("data"), zk.Persistent); err != nil {
		t.Fatal(err)
	}
	if data, ok := srv.Get("/a"); !ok || string(data) != "data" {
		t.Errorf("the server has %q, %v", data, ok)
	}
}

func TestInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := zktest.Start(t, zktest.Config{})
		client := srv.Client(t, func(cfg *zk.Config) { cfg.SessionTimeout = 10 * time.Second })

		srv.Silence(0, true)
		start := time.Now()
		<-client.Session().Context().Done()
		t.Logf("the session ended after %v", time.Since(start))
		srv.Silence(0, false)
	})
}

// TestDocumentation_ShowsTestsThatRun compares the tests in the package's
// documentation with those above.
func TestDocumentation_ShowsTestsThatRun(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("doc_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var code strings.Builder // the code blocks of the documentation
	for line := range strings.Lines(string(doc)) {
		switch {
		case strings.HasPrefix(line, "//\t"):
			code.WriteString(line[len("//\t"):])
		case line == "//\n":
			code.WriteString("\n")
		}
	}
	for _, name := range []string{"TestWithServer", "TestInVirtualTime"} {
		function := regexp.MustCompile(`(?s)func ` + name + `\(.*?\n}\n`)
		shown, runs := function.FindString(code.String()), function.FindString(string(source))
		if shown == "" || shown != runs {
			t.Errorf("the documentation shows\n%s\nbut the test is\n%s", shown, runs)
		}
	}
}
