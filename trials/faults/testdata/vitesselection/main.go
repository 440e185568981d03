// A program with the election of Vitess' zk2topo, used as its documentation shows.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"vitess.io/vitess/go/vt/servenv"
	"vitess.io/vitess/go/vt/topo"
	"vitess.io/vitess/go/vt/topo/zk2topo"

	"trial/driver"
)

func main() { driver.Main(open) }

type program struct {
	server *zk2topo.Server
	name   string
	part   topo.LeaderParticipation
}

func open(o driver.Options) (driver.Program, error) {
	if err := servenv.GetFlagSetFor("vttablet").Set("topo-zk-base-timeout", o.Timeout.String()); err != nil {
		return nil, err
	}
	s := zk2topo.NewServer(strings.Join(o.Servers, ","), o.Dir)
	if _, err := s.ListDir(context.Background(), "/", false); err != nil { // connects
		return nil, err
	}
	return &program{server: s, name: o.Name}, nil
}

func (p *program) Acquire(holds func(driver.Tellers)) error {
	part, err := p.server.NewLeaderParticipation("leader", p.name)
	if err != nil {
		return err
	}
	p.part = part
	first := make(chan struct{})
	go func() {
		leads := false
		for {
			ctx, err := part.WaitForLeadership()
			switch {
			case err == nil:
				holds(driver.Tellers{"the context": func() bool { return ctx.Err() == nil }})
				if !leads {
					leads = true
					close(first)
				}
				<-ctx.Done()
			case topo.IsErrType(err, topo.Interrupted):
				return
			default:
				fmt.Fprintln(os.Stderr, "WaitForLeadership:", err)
				time.Sleep(time.Second)
			}
		}
	}()
	<-first
	return nil
}

func (p *program) Release() error {
	p.part.Stop()
	return nil
}

func (p *program) Close() { p.server.Close() }
