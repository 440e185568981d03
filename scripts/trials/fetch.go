package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// zookitMod is the go.mod of a program in which zookit replaces go-zookeeper.
const zookitMod = "zookit.mod"

// fetch copies a program to the folder to, and writes its other go.mod.
func fetch(ctx context.Context, root, to string, p program) (string, error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return "", err
	}
	out, err := goCommand(ctx, to, "mod", "download", "-json", p.module)
	var module struct{ Dir, Error string }
	if e := json.Unmarshal(out, &module); e != nil {
		return "", errors.Join(err, e)
	}
	if err != nil || module.Error != "" {
		return "", fmt.Errorf("go mod download: %w: %s", err, module.Error)
	}
	dir := filepath.Join(to, "src")
	if err := os.CopyFS(dir, os.DirFS(module.Dir)); err != nil {
		return "", err
	}
	return dir, replace(ctx, root, dir, p)
}

// replace writes the go.mod in which zookit replaces go-zookeeper. In a program it is one
// line. Here the versions that this line would name are not tagged, but in the working
// tree, and so each module of zookit has a line.
func replace(ctx context.Context, root, dir string, p program) error {
	args := []string{"mod", "edit", "-replace=" + p.uses + "=" + filepath.Join(root, p.standsIn)}
	const zookit = "github.com/zookit/zookit"
	for _, folder := range []string{"", "/compat/gozookeeper"} {
		args = append(args, "-replace="+zookit+folder+"="+filepath.Join(root, folder))
	}
	for _, ext := range []string{".mod", ".sum"} {
		text, err := os.ReadFile(filepath.Join(dir, "go"+ext))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, strings.TrimSuffix(zookitMod, ".mod")+ext), text, 0o644); err != nil {
			return err
		}
	}
	_, err := goCommand(ctx, dir, append(args, zookitMod)...)
	return err
}

// goCommand runs the go command outside of the repository's module.
func goCommand(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		err = fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, failed.Stderr)
	}
	return out, err
}
