package zkprom_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/zookit/zookit/contrib/zkprom"
	"github.com/zookit/zookit/recipes/discovery"
	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/recipes/lock"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zk/protect"
)

// metric is what a metric looks like to Prometheus.
type metric struct {
	kind   string
	help   string
	labels map[string]map[string]bool // the values of each label
}

// names returns the names of the labels as in a table.
func (m metric) names() string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(m.labels)) {
		names = append(names, "`"+name+"`")
	}
	return strings.Join(names, ", ")
}

// allMetrics returns every metric, by name, from a client that has used everything.
func allMetrics(t *testing.T) map[string]metric {
	all := map[string]metric{}
	synctest.Test(t, func(t *testing.T) {
		_, c, m := connect(t, zkprom.Options{})
		defer c.Close(t.Context())
		useEverything(t, c)
		reg := prometheus.NewPedanticRegistry()
		require.NoError(t, reg.Register(m))
		families, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range families {
			labels := map[string]map[string]bool{}
			for _, series := range f.GetMetric() {
				for _, pair := range series.GetLabel() {
					if labels[pair.GetName()] == nil {
						labels[pair.GetName()] = map[string]bool{}
					}
					labels[pair.GetName()][pair.GetValue()] = true
				}
			}
			all[f.GetName()] = metric{strings.ToLower(f.GetType().String()), f.GetHelp(), labels}
		}
		descs := make(chan *prometheus.Desc, 1000)
		m.Describe(descs)
		close(descs)
		var described []string
		for d := range descs {
			described = append(described, regexp.MustCompile(`fqName: "(\w+)"`).FindStringSubmatch(d.String())[1])
		}
		require.ElementsMatch(t, described, slices.Collect(maps.Keys(all)), "useEverything does not use every metric")
	})
	return all
}

func useEverything(t *testing.T, c *zk.Client) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	_, err := c.Get(ctx, "/none")
	require.ErrorIs(t, err, zk.ErrNoNode)
	h, err := lock.New(c, "/l", lock.Config{}).Acquire(ctx)
	require.NoError(t, err)
	require.NoError(t, h.Release(ctx))
	protect.Abandon(c, c.Session(), "/none")
	go func() {
		for range election.New(c, "/e", election.Config{}).Observe(ctx) { //nolint:revive // the hooks see it
		}
	}()
	d := discovery.New(c, "/d", discovery.Config{})
	r, err := d.Register(ctx, discovery.Instance{Name: "web", ID: "1", Address: "host"})
	require.NoError(t, err)
	cache := d.Cache()
	go func() { _ = cache.Run(ctx) }()
	synctest.Wait()
	use, err := cache.Provider("web", discovery.ProviderConfig{Errors: 1}).Pick()
	require.NoError(t, err)
	use.Done(errors.New("refused"))
	require.NoError(t, r.Unregister(ctx))
	time.Sleep(time.Minute)
	stop()
	synctest.Wait()
}

// The README has each metric, with its type, labels and help.
func TestREADME_HasEveryMetric(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var got []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `zookit_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	var want []string
	for name, m := range allMetrics(t) {
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |", name, m.kind, m.names(), m.help))
	}
	require.ElementsMatch(t, want, got)
}

var (
	queryMetric  = regexp.MustCompile(`\b(zookit_\w+)(?:\{([^}]*)\})?`)
	queryMatcher = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"`)
	queryLabels  = regexp.MustCompile(`\b(?:by|without|on)\s*\(([^)]*)\)`)
)

// fixed are the labels whose values are known before.
var fixed = []string{"state", "cause", "result", "reason", "outcome", "kind"}

// checkQuery checks that each metric of a query exists, with its labels and with those
// values of labels that are known before.
func checkQuery(t *testing.T, all map[string]metric, query string) {
	t.Helper()
	found := queryMetric.FindAllStringSubmatch(query, -1)
	require.NotEmpty(t, found, "no metric in %s", query)
	known := map[string]bool{"job": true, "instance": true} // Prometheus adds them
	for _, f := range found {
		name, matchers := f[1], f[2]
		m, ok := all[name]
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			if base := strings.TrimSuffix(name, suffix); !ok && base != name && all[base].kind == "histogram" {
				m, ok = all[base], true
				known["le"] = known["le"] || suffix == "_bucket"
			}
		}
		require.True(t, ok, "no metric %s: %s", name, query)
		for label := range m.labels {
			known[label] = true
		}
		for _, match := range queryMatcher.FindAllStringSubmatch(matchers, -1) {
			label, values := match[1], match[2]
			require.True(t, known[label], "%s has no label %s: %s", name, label, query)
			for value := range strings.SplitSeq(values, "|") {
				if slices.Contains(fixed, label) {
					require.True(t, m.labels[label][value], "%s is never %s of %s: %s", value, label, name, query)
				}
			}
		}
	}
	for _, list := range queryLabels.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(list[1], ",") {
			require.True(t, known[strings.TrimSpace(label)], "no label %s: %s", label, query)
		}
	}
}

// promtool runs the tool of Prometheus. scripts/install-test-deps.sh installs it.
func promtool(t *testing.T, args ...string) string {
	t.Helper()
	name, err := exec.LookPath("promtool")
	if err != nil {
		name = filepath.Join("..", "..", "bin", "promtool")
	}
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "promtool %v (make deps installs it): %s", args, out)
	return string(out)
}

// queries returns the queries of the dashboard and of its variables, with their
// variables filled in as Grafana does it.
func queries(t *testing.T) (panels, variables []string) {
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct {
			ID          int
			Type, Title string
			Description string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Type, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	ids, places := map[int]bool{}, map[[2]int]bool{}
	fill := strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$job", ".*", "$instance", ".*")
	for _, p := range dashboard.Panels {
		require.False(t, ids[p.ID], "two panels have the id %d", p.ID)
		require.False(t, places[[2]int{p.GridPos.X, p.GridPos.Y}], "%s lies on another panel", p.Title)
		require.LessOrEqual(t, p.GridPos.X+p.GridPos.W, 24, p.Title)
		ids[p.ID], places[[2]int{p.GridPos.X, p.GridPos.Y}] = true, true
		if p.Type == "row" {
			continue
		}
		require.NotEmpty(t, p.Description, p.Title)
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			panels = append(panels, fill.Replace(target.Expr))
		}
	}
	for _, v := range dashboard.Templating.List {
		if v.Type == "query" {
			variables = append(variables, fill.Replace(v.Definition))
		}
	}
	return panels, variables
}

// Each metric, label and value in the queries of the dashboard exists, and Prometheus
// accepts the queries.
func TestDashboard_QueriesAreValid(t *testing.T) {
	all := allMetrics(t)
	panels, variables := queries(t)
	require.Greater(t, len(panels), 30)
	require.Len(t, variables, 2)
	used := map[string]bool{}
	var rules []map[string]string
	for i, query := range append(slices.Clone(panels), variables...) {
		checkQuery(t, all, query)
		for _, f := range queryMetric.FindAllStringSubmatch(query, -1) {
			used[strings.TrimSuffix(f[1], "_bucket")] = true
		}
		if i < len(panels) {
			rules = append(rules, map[string]string{"record": fmt.Sprintf("query:%d", i), "expr": query})
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, text, 0o600))
	require.Contains(t, promtool(t, "check", "rules", file), fmt.Sprintf("%d rules found", len(panels)))

	// What a program does not need to see every day.
	delete(all, "zookit_state_seconds")
	delete(all, "zookit_connection_age_seconds")
	delete(all, "zookit_session_age_seconds")
	delete(all, "zookit_session_timeout_seconds")
	delete(all, "zookit_lease_left_seconds")
	for name := range all {
		require.True(t, used[name], "the dashboard does not show %s", name)
	}
}

// Prometheus accepts the alert rules, and each fires when it must and only then. Their
// metrics exist, and the README says what to do.
func TestAlerts(t *testing.T) {
	all := allMetrics(t)
	rules, err := os.ReadFile("alerts.yml")
	require.NoError(t, err)
	for expr := range strings.SplitSeq(string(rules), "expr: ") {
		if query, _, ok := strings.Cut(expr, "labels: {severity"); ok {
			query, _, _ = strings.Cut(query, "for: ")
			checkQuery(t, all, query)
		}
	}
	promtool(t, "check", "rules", "alerts.yml")
	promtool(t, "test", "rules", "alerts_test.yml")

	cases, err := os.ReadFile("alerts_test.yml")
	require.NoError(t, err)
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, c := range regexp.MustCompile(`alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:( \[\])?`).FindAllStringSubmatch(string(cases), -1) {
		fires[c[1]] = fires[c[1]] || c[2] == ""
		silent[c[1]] = silent[c[1]] || c[2] != ""
	}
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	alerts := regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(string(rules), -1)
	require.Greater(t, len(alerts), 10)
	for _, alert := range alerts {
		require.True(t, fires[alert[1]], "no case in which %s fires", alert[1])
		require.True(t, silent[alert[1]], "no case in which %s does not fire", alert[1])
		require.Contains(t, string(readme), "| `"+alert[1]+"` |")
	}
}
