package zkkrb5

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/iana/nametype"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/krberror"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/types"
)

// ticket is a ticket of the client for a service.
type ticket struct {
	client types.PrincipalName
	realm  string // of the client
	ticket messages.Ticket
	key    types.EncryptionKey // of the ticket
	ends   time.Time
}

// leastLeft is how long a ticket must be good for. The client uses it at once, but the
// server's clock may be ahead.
const leastLeft = time.Minute

// tickets keeps the tickets by service. A client may connect to several servers at a
// time.
type tickets struct {
	login func(service string) (*ticket, error)

	mu     sync.Mutex
	held   map[string]*ticket
	logins map[string]*pending // logins that are under way
}

// pending is a login that is under way.
type pending struct {
	done chan struct{} // closed when t and err are set
	t    *ticket
	err  error
}

// get returns a ticket for a service. It returns early when ctx ends; a login that is
// under way goes on then.
func (ts *tickets) get(ctx context.Context, service string) (*ticket, error) {
	held, p := ts.holdOrLogin(service)
	if held != nil {
		return held, nil
	}
	select {
	case <-p.done:
		return p.t, p.err
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a ticket from the KDC: %w", context.Cause(ctx))
	}
}

// holdOrLogin returns the ticket for a service or, if there is none, the login that
// fetches one.
func (ts *tickets) holdOrLogin(service string) (*ticket, *pending) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t := ts.held[service]; t != nil && time.Until(t.ends) > leastLeft {
		return t, nil
	}
	if p := ts.logins[service]; p != nil {
		return nil, p
	}
	if ts.held == nil {
		ts.held, ts.logins = map[string]*ticket{}, map[string]*pending{}
	}
	p := &pending{done: make(chan struct{})}
	ts.logins[service] = p
	go func() {
		t, err := ts.login(service)
		ts.mu.Lock()
		defer ts.mu.Unlock()
		if delete(ts.logins, service); err == nil {
			ts.held[service] = t
		}
		p.t, p.err = t, err
		close(p.done)
	}()
	return nil, p
}

// drop forgets a ticket.
func (ts *tickets) drop(service string, t *ticket) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.held[service] == t {
		delete(ts.held, service)
	}
}

// login asks the KDC for a ticket for a service.
func (cfg Config) login(service string) (t *ticket, err error) {
	defer func() {
		// The readers of gokrb5 panic at some files that are cut short.
		if r := recover(); r != nil {
			t, err = nil, refusedf("gokrb5 panicked, a file may be damaged: %v", r)
		}
	}()
	conf, err := config.Load(cfg.Kerberos)
	if err != nil {
		return nil, refusedf("Kerberos configuration %s: %w", cfg.Kerberos, err)
	}
	cl, granting, err := cfg.client(conf)
	if err != nil {
		return nil, err
	}
	defer cl.Destroy() // ends what gokrb5 starts where the service is in another realm
	who := cl.Credentials.UserName() + "@" + cl.Credentials.Domain()
	_, got, err := cl.TGSREQGenerateAndExchange(types.NewPrincipalName(nametype.KRB_NT_PRINCIPAL, service),
		cl.Credentials.Domain(), granting.ticket, granting.key, false)
	if err != nil {
		return nil, exchangeFailed(err, "%s gets no ticket for %s", who, service)
	}
	return &ticket{
		client: cl.Credentials.CName(), realm: cl.Credentials.Domain(),
		ticket: got.Ticket, key: got.DecryptedEncPart.Key, ends: got.DecryptedEncPart.EndTime,
	}, nil
}

// granting is a ticket-granting ticket.
type granting struct {
	ticket messages.Ticket
	key    types.EncryptionKey
}

// client returns a client of the KDC, and its ticket-granting ticket.
func (cfg Config) client(conf *config.Config) (*client.Client, granting, error) {
	if cfg.CredentialCache != "" {
		return cfg.fromCache(conf)
	}
	cl, err := cfg.withSecret(conf)
	if err != nil {
		return nil, granting{}, err
	}
	who := cl.Credentials.UserName() + "@" + cl.Credentials.Domain()
	request, err := messages.NewASReqForTGT(cl.Credentials.Domain(), conf, cl.Credentials.CName())
	if err != nil {
		return nil, granting{}, refusedf("%s: %w", who, err)
	}
	got, err := cl.ASExchange(cl.Credentials.Domain(), request, 0)
	if err != nil {
		return nil, granting{}, exchangeFailed(err, "%s cannot log in", who)
	}
	return cl, granting{got.Ticket, got.DecryptedEncPart.Key}, nil
}

// withSecret returns a client of the KDC with the keytab or the password.
func (cfg Config) withSecret(conf *config.Config) (*client.Client, error) {
	name, realm := types.ParseSPNString(cfg.Principal)
	realm = cmp.Or(realm, conf.LibDefaults.DefaultRealm)
	if realm == "" {
		return nil, refusedf("principal %s has no realm, and %s has no default_realm", cfg.Principal, cfg.Kerberos)
	}
	user := name.PrincipalNameString()
	// Active Directory does not know FAST.
	plain := client.DisablePAFXFAST(true)
	if cfg.Keytab == "" {
		password, err := cfg.Password()
		if err != nil {
			return nil, fmt.Errorf("password of %s: %w", cfg.Principal, err)
		}
		return client.NewWithPassword(user, realm, password, conf, plain), nil
	}
	kt, err := keytab.Load(cfg.Keytab)
	if err != nil {
		return nil, refusedf("keytab %s: %w", cfg.Keytab, err)
	}
	return client.NewWithKeytab(user, realm, kt, conf, plain), nil
}

// fromCache returns a client of the KDC, and the ticket-granting ticket of the
// credential cache.
func (cfg Config) fromCache(conf *config.Config) (*client.Client, granting, error) {
	fault := func(format string, args ...any) (*client.Client, granting, error) {
		return nil, granting{}, refusedf("credential cache %s: %w", cfg.CredentialCache, fmt.Errorf(format, args...))
	}
	cache, err := credentials.LoadCCache(cfg.CredentialCache)
	if err != nil {
		return fault("%w", err)
	}
	realm := cache.GetClientRealm()
	owner := cache.GetClientPrincipalName().PrincipalNameString()
	name, in := types.ParseSPNString(cfg.Principal)
	if cfg.Principal != "" && (name.PrincipalNameString() != owner || in != "" && in != realm) {
		return fault("it is of %s@%s, want %s", owner, realm, cfg.Principal)
	}
	entry, ok := cache.GetEntry(types.NewPrincipalName(nametype.KRB_NT_SRV_INST, "krbtgt/"+realm))
	if !ok {
		return fault("no ticket-granting ticket of %s: run kinit", realm)
	}
	if !time.Now().Before(entry.EndTime) {
		return fault("the ticket of %s@%s expired at %s: run kinit", owner, realm, entry.EndTime.Format(time.RFC3339))
	}
	var tgt messages.Ticket
	if err := tgt.Unmarshal(entry.Ticket); err != nil {
		return fault("%w", err)
	}
	cl, err := client.NewFromCCache(cache, conf)
	if err != nil {
		return fault("%w", err)
	}
	return cl, granting{tgt, entry.Key}, nil
}

// exchangeFailed returns the error of an exchange with the KDC. An exchange that failed
// in the network says nothing about the credential.
func exchangeFailed(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	var kerb krberror.Krberror
	if errors.As(err, &kerb) && kerb.RootCause == krberror.NetworkingError {
		return fmt.Errorf("%s: %w", what, err)
	}
	return refusedf("%s: %w", what, err)
}
