package zkenv

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/zookit/zookit/zk"
)

// prefix is that of all variables.
const prefix = "ZOOKIT_"

// Config returns the configuration that the environment of the process describes. The
// error wraps zk.ErrInvalidConfig and names all faults, also those that zk.Connect would
// find. The program may change the configuration before it connects.
func Config() (zk.Config, error) { return Parse(os.Environ()) }

// Parse is Config for other variables, in the form of os.Environ: "name=value".
func Parse(environ []string) (zk.Config, error) {
	r := reader{set: map[string]string{}}
	for _, one := range environ {
		name, value, _ := strings.Cut(one, "=")
		if short, ok := strings.CutPrefix(name, prefix); ok && value != "" {
			r.set[short] = value
		}
	}
	cfg := r.config()
	for _, name := range slices.Sorted(maps.Keys(r.set)) {
		r.bad(name, "is not known: see the list in package zkenv")
	}
	if err := r.validate(cfg); err != nil {
		r.faults = append(r.faults, err)
	}
	if err := errors.Join(r.faults...); err != nil {
		return zk.Config{}, fmt.Errorf("zkenv: %w: %w", zk.ErrInvalidConfig, err)
	}
	return cfg, nil
}

// reader reads variables. Those that were read are no longer in set.
type reader struct {
	set    map[string]string
	faults []error
	noList bool // no variable names the servers, which is in faults
}

// bad notes the fault of a variable.
func (r *reader) bad(name, format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s%s %w", prefix, name, fmt.Errorf(format, args...)))
}

// text returns the value of a variable, "" if it is not set.
func (r *reader) text(name string) string {
	value := r.set[name]
	delete(r.set, name)
	return value
}

// as returns the parsed value of a variable, zero if it is not set. want says what it
// must be.
func as[V any](r *reader, name, want string, parse func(string) (V, error)) (none V) {
	value := r.text(name)
	if value == "" {
		return none
	}
	v, err := parse(value)
	if err != nil {
		r.bad(name, "is %q: want %s", value, want)
		return none
	}
	return v
}

func (r *reader) duration(name string) time.Duration {
	return as(r, name, `a duration, such as "10s"`, time.ParseDuration)
}

func (r *reader) number(name string) int { return as(r, name, "a number", strconv.Atoi) }

func (r *reader) flag(name string) bool {
	return as(r, name, `"true" or "false"`, strconv.ParseBool)
}

// config reads all variables.
func (r *reader) config() zk.Config {
	cfg := zk.Config{
		Servers:         r.text("SERVERS"),
		SessionTimeout:  r.duration("SESSION_TIMEOUT"),
		Compat:          as(r, "COMPAT", "the name of a level, such as \"3.6\"", parseCompat),
		MaxInFlight:     r.number("MAX_IN_FLIGHT"),
		MaxRequestSize:  r.number("MAX_REQUEST_SIZE"),
		MaxReplySize:    r.number("MAX_REPLY_SIZE"),
		QuorumLease:     r.flag("QUORUM_LEASE"),
		TouchDelay:      r.duration("TOUCH_DELAY"),
		ReconnectSpread: r.duration("RECONNECT_SPREAD"),
		Background:      r.flag("BACKGROUND"),
		LoadTLS:         r.tls(),
	}
	if name := r.text("SRV"); name != "" {
		cfg.Resolve = zk.SRV(name)
	}
	if cfg.Servers == "" && cfg.Resolve == nil {
		r.noList = true
		r.bad("SERVERS", "is not set, nor is %sSRV", prefix)
	}
	if path := r.text("DIGEST_FILE"); r.readable("DIGEST_FILE", path) {
		cfg.Auth = append(cfg.Auth, zk.AuthFunc("digest from a file", func(context.Context) (zk.Auth, error) {
			user, password, err := credential(path)
			return zk.DigestAuth(user, password), err
		}))
	}
	if path := r.text("SASL_FILE"); r.readable("SASL_FILE", path) {
		cfg.Auth = append(cfg.Auth, zk.DigestMD5Func(func(context.Context) (string, string, error) { return credential(path) }))
	}
	return cfg
}

func parseCompat(name string) (zk.Compat, error) {
	for c := zk.Compat3_9; c <= zk.CompatKeeper; c++ {
		if c.String() == name {
			return c, nil
		}
	}
	return 0, errors.New("no such level")
}

// tls returns what zk.Config.LoadTLS is to be.
func (r *reader) tls() func() (*tls.Config, error) {
	value, given := r.set["TLS"]
	on := r.flag("TLS")
	ca, cert, key, name := r.text("TLS_CA_FILE"), r.text("TLS_CERT_FILE"), r.text("TLS_KEY_FILE"), r.text("TLS_SERVER_NAME")
	named := ca+cert+key+name != ""
	if given && !on && named {
		r.bad("TLS", "is %q, and other variables set up TLS", value)
	}
	if !on && !named {
		return nil
	}
	load := zk.TLSFiles(ca, cert, key)
	if name == "" {
		return load
	}
	return func() (*tls.Config, error) {
		cfg, err := load()
		if err != nil {
			return nil, err
		}
		cfg = cfg.Clone()
		cfg.ServerName = name
		return cfg, nil
	}
}

// readable reports whether a variable names a file with a credential.
func (r *reader) readable(name, path string) bool {
	if path == "" {
		return false
	}
	if _, _, err := credential(path); err != nil {
		r.bad(name, "names no credential: %w", err)
		return false
	}
	return true
}

// credential reads "user:password" from a file. No error has the content in it.
func credential(path string) (user, password string, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	user, password, ok := strings.Cut(strings.TrimRight(string(b), "\r\n"), ":")
	if !ok || user == "" || password == "" || strings.ContainsAny(user+password, "\r\n") {
		return "", "", fmt.Errorf("%s: want one line with user:password", path)
	}
	return user, password, nil
}

// validate returns the faults that zk.Connect would find.
func (r *reader) validate(cfg zk.Config) error {
	if r.noList {
		cfg.Servers = "unknown" // one fault is enough
	}
	err := cfg.Validate()
	if failed, ok := errors.AsType[*zk.OpError](err); ok {
		return failed.Err
	}
	return err
}
