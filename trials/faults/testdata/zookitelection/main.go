// A program with the election of zookit.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zookit/zookit/recipes/election"
	"github.com/zookit/zookit/zk"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	client   *zk.Client
	election *election.Election
	timeout  time.Duration
	stop     context.CancelFunc
	done     chan struct{}
}

func open(o driver.Options) (driver.Program, error) {
	c, err := zk.Connect(context.Background(), zk.Config{Servers: strings.Join(o.Servers, ","), SessionTimeout: o.Timeout})
	if err != nil {
		return nil, err
	}
	return &program{client: c, election: election.New(c, o.Dir+"/leader", election.Config{ID: o.Name}), timeout: o.Timeout}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	ctx, stop := context.WithCancel(context.Background())
	first, done := make(chan struct{}), make(chan struct{})
	p.stop, p.done = stop, done
	go func() {
		defer close(done)
		leads := false
		err := p.election.Run(ctx, func(ctx context.Context, l *election.Leadership) error {
			holds(driver.Tellers{"Leadership.Context": func() bool { return l.Context().Err() == nil }})
			if !leads {
				leads = true
				close(first)
			}
			<-ctx.Done()
			return nil
		})
		fmt.Fprintln(os.Stderr, "Run:", err)
	}()
	select {
	case <-first:
		return nil
	case <-done:
		return fmt.Errorf("Run has returned")
	}
}

func (p *program) Release() error {
	p.stop()
	<-p.done
	return nil
}

func (p *program) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), p.timeout)
	defer cancel()
	_ = p.client.Close(ctx)
}
