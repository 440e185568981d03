package zkcontainer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"

	"github.com/zookit/zookit/internal/test/acceptance"
	"github.com/zookit/zookit/zktest/zkcontainer"
)

// asStranger is the variable that makes the test binary try to start a server, print
// the error and exit.
const asStranger = "ZOOKIT_ZKCONTAINER_TEST_STRANGER"

func TestMain(m *testing.M) {
	acceptance.Worker()
	if os.Getenv(asStranger) != "" {
		e, err := zkcontainer.Run(context.Background())
		fmt.Println(errors.Is(err, zkcontainer.ErrNoEngine), err)
		if e != nil {
			fmt.Println(e.Close())
		}
		os.Exit(0)
	}
	code := m.Run()
	if err := nothingLeft(); err != nil {
		fmt.Println(err)
		code = 1
	}
	os.Exit(code)
}

// nothingLeft returns an error that names the containers and networks of this process
// that still exist.
func nothingLeft() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	engine, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer engine.Close()
	filters := make(client.Filters).Add("label", "zookit.ensemble", "org.testcontainers.sessionId="+testcontainers.SessionID())
	containers, err := engine.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: filters})
	if err != nil {
		return err
	}
	networks, err := engine.NetworkList(ctx, client.NetworkListOptions{Filters: filters})
	if err != nil {
		return err
	}
	var left []error
	for _, c := range containers.Items {
		left = append(left, fmt.Errorf("left over: container %s %v %s", c.ID, c.Names, c.State))
	}
	for _, n := range networks.Items {
		left = append(left, fmt.Errorf("left over: network %s", n.Name))
	}
	return errors.Join(left...)
}
