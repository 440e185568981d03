package zkcontainer

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// DefaultImage is run unless ImageEnv or the option Image names another one.
const DefaultImage = "zookeeper:3.9"

// ImageEnv is the environment variable that replaces DefaultImage, for machines
// that cannot reach the registry.
const ImageEnv = "ZOOKIT_ZOOKEEPER_IMAGE"

// Option is a setting of Run.
type Option func(*settings)

// settings are what the options set. What stays zero is filled in by complete.
type settings struct {
	members              int
	image                string
	tick                 time.Duration
	initLimit, syncLimit int
	minTimeout           time.Duration
	maxTimeout           time.Duration
	ttlNodes             bool
	words                []string
	config, jvm          []string
	tls                  *TLSFiles
	stores               []store // of tls
}

// Members says how many servers run: 1, which is the default, or 3.
func Members(n int) Option { return func(s *settings) { s.members = n } }

// Image names the image. It must be the official one of some release, or behave
// like it: take /conf/zoo.cfg when that is there, ZOO_MY_ID and JVMFLAGS.
func Image(name string) Option { return func(s *settings) { s.image = name } }

// Tick is the servers' tickTime; 500 ms by default.
func Tick(d time.Duration) Option { return func(s *settings) { s.tick = d } }

// Limits are initLimit and syncLimit in ticks; 20 and 10 by default. A member
// that is paused or isolated is noticed after syncLimit.
func Limits(initLimit, syncLimit int) Option {
	return func(s *settings) { s.initLimit, s.syncLimit = initLimit, syncLimit }
}

// SessionTimeouts bound what clients can negotiate; from two ticks to one
// minute by default.
func SessionTimeouts(least, most time.Duration) Option {
	return func(s *settings) { s.minTimeout, s.maxTimeout = least, most }
}

// TTLNodes makes the servers accept nodes with a time to live.
func TTLNodes() Option { return func(s *settings) { s.ttlNodes = true } }

// FourLetterWords lets the servers answer more than srvr; "*" means all.
func FourLetterWords(words ...string) Option {
	return func(s *settings) { s.words = append(s.words, words...) }
}

// Config adds lines to zoo.cfg. They win over the other options.
func Config(lines ...string) Option {
	return func(s *settings) { s.config = append(s.config, lines...) }
}

// JVM adds flags of the servers' virtual machine. They win over the defaults,
// which keep it small.
func JVM(flags ...string) Option {
	return func(s *settings) { s.jvm = append(s.jvm, flags...) }
}

// TLSFiles are files of this machine: PEM, PKCS12 or JKS by their suffix .pem,
// .p12 or .jks. In PEM the key store is the key (PKCS#8) and its certificates
// in one file.
//
// Clients reach the servers on an address of the loopback interface, or of the
// host of a remote engine: the certificate must hold for that.
type TLSFiles struct {
	KeyStore, KeyPassword     string
	TrustStore, TrustPassword string
	ClientAuth                string // need, which is the default; want; none
}

// TLS opens a port for TLS beside the other one: see SecureServers. A client's
// certificate authenticates it with the scheme x509.
func TLS(files TLSFiles) Option {
	return func(s *settings) { s.tls = &files }
}

// store is a file of TLSFiles as a member has it.
type store struct {
	path string // in the container
	data []byte
}

// complete fills in the defaults and reads the files, or returns all that is
// wrong.
func complete(options []Option) (*settings, error) {
	s := &settings{}
	for _, o := range options {
		o(s)
	}
	s.members = cmp.Or(s.members, 1)
	s.image = cmp.Or(s.image, os.Getenv(ImageEnv), DefaultImage)
	s.tick = cmp.Or(s.tick, 500*time.Millisecond)
	s.initLimit = cmp.Or(s.initLimit, 20)
	s.syncLimit = cmp.Or(s.syncLimit, 10)
	s.minTimeout = cmp.Or(s.minTimeout, 2*s.tick)
	s.maxTimeout = cmp.Or(s.maxTimeout, max(time.Minute, s.minTimeout))
	var errs []error
	if s.members != 1 && s.members != 3 {
		errs = append(errs, fmt.Errorf("zkcontainer: Members(%d), want 1 or 3", s.members))
	}
	if s.tick < time.Millisecond {
		errs = append(errs, fmt.Errorf("zkcontainer: Tick(%v), want 1ms or more", s.tick))
	}
	if s.initLimit < 1 || s.syncLimit < 1 {
		errs = append(errs, fmt.Errorf("zkcontainer: Limits(%d, %d), want 1 or more", s.initLimit, s.syncLimit))
	}
	if s.minTimeout < time.Millisecond || s.maxTimeout < s.minTimeout {
		errs = append(errs, fmt.Errorf("zkcontainer: SessionTimeouts(%v, %v): nothing lies between", s.minTimeout, s.maxTimeout))
	}
	for _, line := range slices.Concat(s.config, s.jvm, s.words) {
		if strings.ContainsAny(line, "\r\n") {
			errs = append(errs, fmt.Errorf("zkcontainer: %q is more than one line", line))
		}
	}
	errs = append(errs, s.readStores())
	return s, errors.Join(errs...)
}

func (s *settings) readStores() error {
	if s.tls == nil {
		return nil
	}
	s.tls.ClientAuth = cmp.Or(s.tls.ClientAuth, "need")
	var errs []error
	if !slices.Contains([]string{"need", "want", "none"}, s.tls.ClientAuth) {
		errs = append(errs, fmt.Errorf("zkcontainer: TLSFiles.ClientAuth is %q, want need, want or none", s.tls.ClientAuth))
	}
	for field, file := range map[string]string{"KeyStore": s.tls.KeyStore, "TrustStore": s.tls.TrustStore} {
		data, err := os.ReadFile(file)
		if err != nil {
			errs = append(errs, fmt.Errorf("zkcontainer: TLSFiles.%s: %w", field, err))
			continue
		}
		s.stores = append(s.stores, store{path: stored(field, file), data: data})
	}
	return errors.Join(errs...)
}

// stored is where a member has a file. The server tells its format by the
// suffix.
func stored(field, file string) string {
	return path.Join(confDir, field+filepath.Ext(file))
}
