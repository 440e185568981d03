package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// result is what a round has shown.
type result struct {
	Program, Library, Fault string
	Number                  int
	Failed                  string             `json:",omitempty"` // why it does not count
	Verdicts                map[string]verdict `json:",omitempty"` // by teller
}

// loadResults reads the results of earlier runs, none if the file does not exist.
func loadResults(file string) ([]result, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all []result
	return all, json.Unmarshal(text, &all)
}

func saveResults(file string, all []result) error {
	text, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// replaced returns the old results without the cells that are in the new ones, and the
// new ones.
func replaced(old, fresh []result) []result {
	cell := func(r result) string { return r.Program + " " + r.Library + " " + r.Fault }
	again := map[string]bool{}
	for _, r := range fresh {
		again[cell(r)] = true
	}
	kept := slices.DeleteFunc(slices.Clone(old), func(r result) bool { return again[cell(r)] })
	return append(kept, fresh...)
}

// pick returns the verdicts of one cell. teller is "" for the only one.
func pick(all []result, program, library, fault, teller string) []verdict {
	var found []verdict
	for _, r := range all {
		if r.Program != program || r.Library != library || fault != "" && r.Fault != fault || r.Failed != "" {
			continue
		}
		for name, v := range r.Verdicts {
			if teller == "" || name == teller {
				found = append(found, v)
			}
		}
	}
	return found
}

// tellersOf returns the ways of telling of a program, with any library.
func tellersOf(all []result, program string) []string {
	var names []string
	for _, r := range all {
		if r.Program != program {
			continue
		}
		for name := range r.Verdicts {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// cell returns the text of one cell.
func cell(found []verdict) string {
	if len(found) == 0 {
		return "–"
	}
	count := func(is func(verdict) bool) int {
		n := 0
		for _, v := range found {
			if is(v) {
				n++
			}
		}
		return n
	}
	var parts []string
	add := func(what string, n int, more string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("**%s** %d/%d%s", what, n, len(found), more))
		}
	}
	longest := time.Duration(0)
	var hung []string
	for _, v := range found {
		longest = max(longest, v.Overlap)
		for _, h := range v.Hung {
			if !slices.Contains(hung, h) {
				hung = append(hung, h)
			}
		}
	}
	slices.Sort(hung)
	add("two holders", count(func(v verdict) bool { return v.Together }), fmt.Sprintf(" (%s)", span(longest)))
	add("gone for good", count(func(v verdict) bool { return v.Gone }), "")
	add("registered twice", count(func(v verdict) bool { return v.Twice }), "")
	add("silent", count(func(v verdict) bool { return v.Silent }), "")
	add("hung", count(func(v verdict) bool { return len(v.Hung) > 0 }), " ("+strings.Join(hung, "; ")+")")
	add("node left", count(func(v verdict) bool { return v.Left > 0 }), "")
	add("node stays", count(func(v verdict) bool { return v.Stayed > 0 }), "")
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	lost := count(func(v verdict) bool { return v.Lost })
	switch lost {
	case 0:
		return "kept"
	case len(found):
		return "lost, told in time"
	}
	return fmt.Sprintf("kept %d, lost and told in time %d", len(found)-lost, lost)
}

// span returns a time as the tables have it. A single unit of work has none.
func span(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", max(d, time.Millisecond).Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// report returns the tables.
func report(all []result) string {
	var b strings.Builder
	b.WriteString("### All faults together\n\n")
	b.WriteString("| program | the holder goes by | library | rounds | two holders | silent | hung | node left |\n|---|---|---|---|---|---|---|---|\n")
	for _, p := range programs {
		if p.alone {
			continue
		}
		for _, teller := range tellersOf(all, p.name) {
			for _, library := range p.libraries() {
				summary(&b, p, teller, library, pick(all, p.name, library, "", teller))
			}
		}
	}
	for _, p := range programs {
		if p.own {
			continue
		}
		for _, teller := range tellersOf(all, p.name) {
			heading := strings.ToUpper(p.what[:1]) + p.what[1:]
			if !p.alone {
				heading += "; the holder goes by " + teller
			}
			fmt.Fprintf(&b, "\n### %s\n\n", heading)
			table(&b, all, p, teller)
		}
	}
	return b.String()
}

func summary(b *strings.Builder, p program, teller, library string, found []verdict) {
	if len(found) == 0 {
		return
	}
	var together, silent, hung, left int
	for _, v := range found {
		for n, is := range map[*int]bool{&together: v.Together, &silent: v.Silent, &hung: len(v.Hung) > 0, &left: v.Left+v.Stayed > 0} {
			if is {
				*n++
			}
		}
	}
	fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %d | %d | %d |\n", p.what, teller, library, len(found), together, silent, hung, left)
}

func table(b *strings.Builder, all []result, p program, teller string) {
	beside := programs[slices.IndexFunc(programs, func(q program) bool { return q.name == p.beside })]
	fmt.Fprintf(b, "| fault | with go-zookeeper | with compat/gozookeeper | %s |\n|---|---|---|---|\n", beside.what)
	for _, f := range faults {
		if !p.suits(f) {
			continue
		}
		who := "holder: "
		switch {
		case p.alone:
			who = ""
		case f.waiter:
			who = "waiter: "
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", who+f.what,
			cell(pick(all, p.name, goZookeeper, f.name, teller)),
			cell(pick(all, p.name, compat, f.name, teller)),
			cell(pick(all, beside.name, zookit, f.name, "")))
	}
}

// The lines of the page between which the tables stand.
const (
	begin = "<!-- tables of make trial-faults: begin -->"
	end   = "<!-- tables of make trial-faults: end -->"
)

// into returns the page with the tables in their place.
func into(page, tables string) (string, error) {
	before, rest, ok := strings.Cut(page, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("the page has no lines %q and %q", begin, end)
	}
	return before + begin + "\n\n" + tables + "\n" + end + after, nil
}
