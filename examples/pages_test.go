package examples_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The page shows what the example prints.
func TestFirst_PrintsWhatThePageShows(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	printed, err := exec.CommandContext(ctx, "go", "run", "./first").Output() // the log goes to stderr
	require.NoError(t, err, "%s", printed)
	requireShown(t, "../docs/start.md", "first", string(printed))
}

// requireShown requires that a page shows the output of an example. Numbers differ from
// run to run: tokens, times, and which of the workers is the first. So does the path in
// an error.
func requireShown(t *testing.T, page, example, printed string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)<!-- printed by examples/" + example + " -->\n```text\n(.+?)```\n").FindSubmatch(text)
	require.NotNil(t, block, "%s has no output of the example", page)
	same := func(out string) string {
		out = regexp.MustCompile(`refused: .*`).ReplaceAllString(out, "refused: …")
		return regexp.MustCompile(` *\d+`).ReplaceAllString(out, " N")
	}
	require.Equal(t, same(printed), same(string(block[1])), "%s shows another output", page)
}
