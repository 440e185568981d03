package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/zookit/zookit/internal/test/ensemble"
)

// workers are the names of the processes. The first is the one that holds the lock and
// leads when the incident begins.
var workers = []string{"orders-a", "orders-b", "orders-c"}

// cast is an ensemble, the workers at it, and what is recorded of them.
type cast struct {
	servers  ensemble.Ensemble
	password string         // that the servers know; "": they know none
	at       map[string]int // the server at which each worker begins
	record   *record

	running map[string]*process
	scraper sync.WaitGroup
	stop    context.CancelFunc // ends the scraper
}

// process is a worker.
type process struct {
	name    string
	cmd     *exec.Cmd
	stdin   io.Closer
	metrics string // the address of its metrics
	logged  sync.WaitGroup
}

// newCast starts the servers. The first worker is at a follower, so that the ensemble
// survives what happens to that server.
func newCast(ctx context.Context, i incident) (*cast, error) {
	options := ensemble.Options{Size: 3, SyncLimit: 50} // longer than the clients wait for a server
	c := &cast{running: map[string]*process{}, record: newRecord()}
	if i.secured {
		file, err := jaas("orders", "s3cret")
		if err != nil {
			return nil, err
		}
		defer os.Remove(file) // the servers have read it when they serve
		c.password = "s3cret"
		options.Extra = []string{"authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider"}
		options.JVM = []string{"-Djava.security.auth.login.config=" + file}
	}
	var err error
	if c.servers, err = ensemble.Start(ctx, options); err != nil {
		return nil, err
	}
	leader, err := c.servers.Leader(ctx)
	if err != nil {
		return nil, errors.Join(err, c.servers.Close())
	}
	c.at = map[string]int{workers[0]: (leader + 1) % 3, workers[1]: leader, workers[2]: (leader + 2) % 3}
	return c, nil
}

// jaas writes the file from which a server learns the password of a user.
func jaas(user, password string) (file string, err error) {
	f, err := os.CreateTemp("", "zookit-story-*.conf")
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "Server {\n  org.apache.zookeeper.server.auth.DigestLoginModule required user_%s=%q;\n};\n", user, password)
	return f.Name(), errors.Join(err, f.Close())
}

// server returns the name of a server in the story.
func server(member int) string { return fmt.Sprintf("zk%d:2181", member+1) }

// start starts the workers, one after the other, and waits until all is well: the first
// one holds the lock, leads and is registered, the others wait and have said so.
func (c *cast) start(ctx context.Context) error {
	scraping, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.scraper.Go(func() { c.scrape(scraping) })
	for i, name := range workers {
		if err := c.run(name, server(c.at[name]), c.password); err != nil {
			return err
		}
		guards := 1.0 // of the registration
		if i == 0 {
			guards = 3
		}
		if err := c.await(ctx, name, "zookit_guards", guards); err != nil {
			return err
		}
	}
	return pause(ctx, 4*time.Second) // the waiters log after three
}

// run starts a worker. at is the server at which it begins.
func (c *cast) run(name, at, password string) error {
	t := task{Name: name, At: at, Password: password, Servers: map[string]string{}}
	for i := range c.servers.Size() {
		t.Servers[server(i)] = c.servers.Addr(i)
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p := &process{name: name, cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), taskVariable+"="+string(text))
	stdin, err1 := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	stderr, err3 := p.cmd.StderrPipe()
	if err := errors.Join(err1, err2, err3, p.cmd.Start()); err != nil {
		return err
	}
	p.stdin = stdin
	shown := c.shown(t)
	p.logged.Go(func() {
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			c.record.log(name, shown(lines.Text()))
		}
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return errors.Join(fmt.Errorf("%s has ended", name), lines.Err(), c.quit(p))
	}
	p.metrics = "http://" + lines.Text()
	c.record.mu.Lock()
	defer c.record.mu.Unlock()
	c.running[name] = p
	return nil
}

// quit ends a worker in order and waits for it.
func (c *cast) quit(p *process) error {
	c.record.mu.Lock()
	delete(c.running, p.name)
	c.record.mu.Unlock()
	p.stdin.Close()
	p.logged.Wait() // before Wait, which closes the pipe
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// end ends the workers and the servers. why is the reason, if there is one.
func (c *cast) end(why error) error {
	if why == nil {
		c.record.end() // how the workers end is not part of the story
	}
	if c.stop != nil {
		c.stop()
	}
	c.scraper.Wait()
	for _, name := range slices.Sorted(maps.Keys(c.running)) {
		if p := c.running[name]; why != nil {
			_ = p.cmd.Process.Kill()
			_ = c.quit(p)
		} else {
			why = c.quit(p)
		}
	}
	if why != nil {
		why = fmt.Errorf("%w\n%s", why, c.record.text())
	}
	return errors.Join(why, c.servers.Close())
}

// every is how often the metrics are read.
const every = 200 * time.Millisecond

// scrape reads the metrics of all workers again and again, as Prometheus would.
func (c *cast) scrape(ctx context.Context) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		c.record.mu.Lock()
		running := slices.Collect(maps.Values(c.running))
		c.record.mu.Unlock()
		var all sync.WaitGroup
		for _, p := range running {
			all.Go(func() {
				at := time.Now()
				values, err := scraped(ctx, p.metrics)
				c.record.sample(p.name, at, values, err == nil)
			})
		}
		all.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// scraped reads the metrics of one worker.
func scraped(ctx context.Context, url string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, every)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return parsed(answer.Body)
}

// await waits until a metric of a worker has at least a value.
func (c *cast) await(ctx context.Context, name, series string, least float64) error {
	for {
		if v, ok := c.record.newest(name, series); ok && v >= least {
			return nil
		}
		if err := pause(ctx, every); err != nil {
			return fmt.Errorf("%s: %s is not %v: %w", name, series, least, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
