package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Where the recipes' source has the text of a line, or the part behind the recipe's name.
var recipeLines = []*regexp.Regexp{
	regexp.MustCompile(`[lL]og(?:ger)?\.(?:Debug|Info|Warn|Error)\("\w+: ([^"]+)"`),
	regexp.MustCompile(`Recipe ?\+ ?": ([^"]+)"`),
	regexp.MustCompile(`\.log\(slog\.Level\w+, "([^"]+)"`),
	regexp.MustCompile(`(?:Granted|Released): "([^"]+)"`),
	regexp.MustCompile(`\bwhat\b.* :?= .*?"([a-z ]+)"`),
	regexp.MustCompile(`b\.run\(ctx, "\w+", "(\w+)"`),
}

// TestLogs_PageListsEachLineOfTheRecipes compares the section on recipes of logs.md with
// the source: each text is listed, and each listed text exists. A line about the end of a
// leadership has the text of its cause.
func TestLogs_PageListsEachLineOfTheRecipes(t *testing.T) {
	page, err := os.ReadFile("logs.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "\n## Recipes\n")
	require.True(t, found)
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]+`) \\| [^|]+ \\| [^|]+ \\| [^|]+ \\|$").FindAllStringSubmatch(section, -1) {
		for _, line := range regexp.MustCompile("`(lock|semaphore|election|barrier|groupmembership|discovery|shutdown|recipes): ([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			listed[line[2]] = true
		}
	}
	source := sourceOf(t, "../recipes")
	logged := map[string]bool{}
	for _, written := range recipeLines {
		lines := written.FindAllStringSubmatch(source, -1)
		require.NotEmpty(t, lines, "not found any more: %s", written)
		for _, line := range lines {
			text := line[1]
			if text == "still " { // and the state
				text += "unregistered"
			}
			logged[text] = true
			require.True(t, listed[text], "not listed: %s", text)
		}
	}
	for _, cause := range regexp.MustCompile(`(?:sentinel\.In|errors\.New)\("([^"]+)"`).FindAllStringSubmatch(source, -1) {
		logged[cause[1]] = true
	}
	for text := range listed {
		require.True(t, logged[text], "listed, but not logged: %s", text)
	}
}
