// Story plays incidents on a real ensemble of three servers, with three processes that
// share a lock, an election and a service. It writes what an operator would have seen of
// each into docs/incidents.md: the log at level Info, and a graph of the metrics.
//
//	go run ./story            # all incidents, some three minutes
//	go run ./story -only paused-process
//
// The prose of the page is written by people. The program replaces only what stands
// between its marks.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

func main() {
	if task := os.Getenv(taskVariable); task != "" {
		exitOn(runWorker(task))
		return
	}
	docs := flag.String("docs", "../../docs", "folder of incidents.md and of the graphs")
	only := flag.String("only", "", "name of the one incident to play")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exitOn(tell(ctx, *docs, *only))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell plays the incidents and writes the page and the graphs.
func tell(ctx context.Context, docs, only string) error {
	file := filepath.Join(docs, "incidents.md")
	for _, i := range incidents {
		if only != "" && only != i.name {
			continue
		}
		fmt.Fprintln(os.Stderr, "plays", i.name)
		r, err := play(ctx, i)
		if err != nil {
			return fmt.Errorf("%s: %w", i.name, err)
		}
		graph := "incident-" + i.name + ".svg"
		if err := os.WriteFile(filepath.Join(docs, graph), drawn(i, r), 0o644); err != nil {
			return err
		}
		page, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if page, err = replaced(page, i.name, block(i, r, graph)); err != nil {
			return err
		}
		if err := os.WriteFile(file, page, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// play plays one incident, and returns what was recorded.
func play(ctx context.Context, i incident) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(i.limit, 2*time.Minute))
	defer cancel()
	c, err := newCast(ctx, i)
	if err != nil {
		return nil, err
	}
	err = c.start(ctx)
	if err == nil {
		err = i.play(ctx, c)
	}
	return c.record, c.end(err)
}
