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

// DefaultImage is the image unless ImageEnv or the option Image names another one.
const DefaultImage = "zookeeper:3.9"

// ImageEnv is the environment variable that replaces DefaultImage, for machines
// that cannot reach the registry.
const ImageEnv = "ZOOKIT_ZOOKEEPER_IMAGE"

// Option is a setting of Run.
type Option func(*settings)

// settings are the values of the options. complete fills in the defaults.
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
	stores               []store // the files of tls
}

// Members sets the number of servers: 1, which is the default, or 3.
func Members(n int) Option { return func(s *settings) { s.members = n } }

// Image sets the image. It must be the official image of a release, or behave like
// it: it must use /conf/zoo.cfg if that exists, ZOO_MY_ID and JVMFLAGS.
func Image(name string) Option { return func(s *settings) { s.image = name } }

// Tick sets the servers' tickTime; the default is 500 ms.
func Tick(d time.Duration) Option { return func(s *settings) { s.tick = d } }

// Limits sets initLimit and syncLimit in ticks; the defaults are 20 and 10. The
// other members notice after syncLimit that a member is paused or isolated.
func Limits(initLimit, syncLimit int) Option {
	return func(s *settings) { s.initLimit, s.syncLimit = initLimit, syncLimit }
}

// SessionTimeouts bounds the session timeout that a client can negotiate. The
// defaults are two ticks and one minute.
func SessionTimeouts(least, most time.Duration) Option {
	return func(s *settings) { s.minTimeout, s.maxTimeout = least, most }
}

// TTLNodes makes the servers accept nodes with a time to live.
func TTLNodes() Option { return func(s *settings) { s.ttlNodes = true } }

// FourLetterWords adds words that the servers answer, beside srvr; "*" means all.
func FourLetterWords(words ...string) Option {
	return func(s *settings) { s.words = append(s.words, words...) }
}

// Config adds lines to zoo.cfg. They override the other options.
func Config(lines ...string) Option {
	return func(s *settings) { s.config = append(s.config, lines...) }
}

// JVM adds flags of the servers' virtual machine. They override the defaults, which
// keep it small.
func JVM(flags ...string) Option {
	return func(s *settings) { s.jvm = append(s.jvm, flags...) }
}

// TLSFiles names files on this machine. The suffix .pem, .p12 or .jks says that a
// file is PEM, PKCS12 or JKS. A key store in PEM has the key (PKCS#8) and its
// certificates in one file.
//
// Clients reach the servers on an address of the loopback interface, or of the host
// of a remote engine. The certificate must be valid for that address.
type TLSFiles struct {
	KeyStore, KeyPassword     string
	TrustStore, TrustPassword string
	ClientAuth                string // need, which is the default; want; none
}

// TLS opens a second port, for TLS: see SecureServers. A client's certificate
// authenticates it with the scheme x509.
func TLS(files TLSFiles) Option {
	return func(s *settings) { s.tls = &files }
}

// store is a file of TLSFiles to copy into the containers.
type store struct {
	path string // in the container
	data []byte
}

// complete applies the options, fills in the defaults and reads the files. Its error
// names everything that is wrong.
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
		errs = append(errs, fmt.Errorf("zkcontainer: SessionTimeouts(%v, %v), want 1ms or more, and a maximum not below the minimum", s.minTimeout, s.maxTimeout))
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

// stored returns the path of a file in the container. It keeps the suffix, by which
// the server knows the format.
func stored(field, file string) string {
	return path.Join(confDir, field+filepath.Ext(file))
}
