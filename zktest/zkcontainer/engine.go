package zkcontainer

import (
	"context"
	"errors"
	"fmt"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Errors of Run. The text says what to do.
var (
	// ErrNoEngine: no container engine answers.
	ErrNoEngine = errors.New("no container engine answers")
	// ErrNoImage: the engine neither has the image nor can fetch it.
	ErrNoImage = errors.New("the image is missing")
)

// findEngine connects to the engine that testcontainers-go finds.
func findEngine(ctx context.Context) (*testcontainers.DockerClient, error) {
	engine, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err == nil {
		_, err = engine.Ping(ctx, client.PingOptions{})
	}
	if err != nil {
		return nil, fmt.Errorf("zkcontainer: %w: start Docker (on Debian: apt-get install docker.io, then dockerd), "+
			"or set DOCKER_HOST to one that runs: %w", ErrNoEngine, err)
	}
	return engine, nil
}

// fetch makes sure that the engine has the image. testcontainers-go would do that
// too, but it tries for a quarter of an hour if it cannot reach the registry.
func fetch(ctx context.Context, engine *testcontainers.DockerClient, image string) error {
	_, err := engine.ImageInspect(ctx, image)
	if !errdefs.IsNotFound(err) {
		return err
	}
	if testcontainers.ReadConfig().Config.HubImageNamePrefix != "" {
		return nil // testcontainers-go will use another name, which only it knows
	}
	var options client.ImagePullOptions
	if _, auth, err := testcontainers.DockerImageAuth(ctx, image); err == nil {
		if options.RegistryAuth, err = authconfig.Encode(auth); err != nil {
			return fmt.Errorf("zkcontainer: credentials for %s: %w", image, err)
		}
	}
	pull, err := engine.ImagePull(ctx, image, options)
	if err == nil {
		defer pull.Close()
		err = pull.Wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("zkcontainer: %w: %s: pull or load it, or name another one with the option Image or with %s; "+
			"without a registry, image.sh of this module builds one from Debian's packages: %w", ErrNoImage, image, ImageEnv, err)
	}
	return nil
}
