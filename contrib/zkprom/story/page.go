package main

import (
	"bytes"
	"fmt"
)

// block returns what the page shows of an incident: the graph and the log.
func block(i incident, r *record, graph string) string {
	return fmt.Sprintf("![%s: the metrics of the three processes](%s)\n\n```\n%s```\n", i.title, graph, r.text())
}

// replaced returns the page with a new text between the marks of an incident.
func replaced(page []byte, name, text string) ([]byte, error) {
	begin, end := fmt.Appendf(nil, "<!-- make story writes %s from here -->\n", name), fmt.Appendf(nil, "<!-- to here: %s -->", name)
	from, to := bytes.Index(page, begin), bytes.Index(page, end)
	if from < 0 || to < from {
		return nil, fmt.Errorf("the page has no %q before %q", bytes.TrimSpace(begin), end)
	}
	from += len(begin)
	return bytes.Join([][]byte{page[:from], page[to:]}, []byte(text)), nil
}
