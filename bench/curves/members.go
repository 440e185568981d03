package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/zookit/zookit/bench/internal/cputime"
	"github.com/zookit/zookit/recipes/groupmembership"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// memberCurves are about groups.
func memberCurves() []curve {
	return []curve{{
		name: "Group.Watch: one join after the other", n: "joins",
		figures: []figure{{"bytes allocated a join", ownPanel}, {"CPU us a join", ownPanel}},
		sizes:   []int{10, 100, 1000, 10_000}, run: joins,
	}, {
		name: "Leaves with a context that has ended", n: "members",
		figures: []figure{{"CPU us a Leave", ownPanel}},
		sizes:   []int{10, 100, 1000, 10_000}, run: leaves,
	}}
}

// joins lets n members join, each after a Watch has seen the member before it.
func joins(ctx context.Context, n int) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	var c [2]*zk.Client
	for i := range c {
		if c[i], err = l.connect(ctx); err != nil {
			return nil, err
		}
	}
	if err := l.srv.Create("/g", nil); err != nil {
		return nil, err
	}
	watching, stop := context.WithCancel(ctx)
	seen, done := make(chan int), make(chan error, 1)
	go func() {
		defer close(done)
		for s, err := range groupmembership.New(c[0], "/g", groupmembership.Config{}).Watch(watching) {
			if err != nil {
				done <- err
				return
			}
			select {
			case seen <- len(s.Joined):
			case <-watching.Done():
			}
		}
	}()
	defer func() { stop(); <-done }()
	<-seen // the snapshot without members
	bytes, _ := allocated()
	start := cputime.Now()
	for i := range n {
		if _, err := c[1].Create(ctx, "/g/"+strconv.Itoa(i), []byte("data"), zk.Ephemeral); err != nil {
			return nil, err
		}
		select {
		case joined := <-seen:
			if joined != 1 {
				return nil, fmt.Errorf("%d joined at once", joined)
			}
		case err := <-done:
			return nil, err
		}
	}
	took := cputime.Now() - start
	now, _ := allocated()
	return []float64{(now - bytes) / float64(n), us(took) / float64(n)}, nil
}

// leaves lets n members leave without time, while the server deletes nothing.
func leaves(ctx context.Context, n int) ([]float64, error) {
	l, err := newLab()
	if err != nil {
		return nil, err
	}
	defer l.close()
	c, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	g := groupmembership.New(c, "/g", groupmembership.Config{})
	list := make([]*groupmembership.Membership, n)
	for i := range list {
		if list[i], err = g.Join(ctx, strconv.Itoa(i), nil); err != nil {
			return nil, err
		}
	}
	l.srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == "delete" {
			return zktest.Fail(int32(zk.ErrNoAuth))
		}
		return zktest.Pass
	})
	over := ended(ctx)
	start := cputime.Now()
	for _, m := range list {
		if m.Leave(over) == nil {
			return nil, fmt.Errorf("a leave without time was confirmed")
		}
	}
	return []float64{us(cputime.Now()-start) / float64(n)}, nil
}
