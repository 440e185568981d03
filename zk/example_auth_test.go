package zk_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// A node that only the user bob may read.
func ExampleDigestAuth() {
	srv := exampleServer()
	defer srv.Close()
	ctx := context.Background()

	bob, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		Auth: []zk.Authenticator{zk.DigestAuth("bob", "secret")},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer bob.Close(ctx)
	acl := zk.CreatorACL(zk.PermAll)
	if _, err := bob.Create(ctx, "/mine", []byte("x"), zk.Persistent, zk.WithACL(acl...)); err != nil {
		log.Fatal(err)
	}

	stranger := exampleClient(srv)
	defer stranger.Close(ctx)
	_, err = stranger.Get(ctx, "/mine")
	fmt.Println("refused:", errors.Is(err, zk.ErrNoAuth))
	fmt.Println(zk.DigestAuth("bob", "secret"))
	// Output:
	// refused: true
	// auth digest:***
}

// The password stands in a file that something else replaces now and then. It is
// read again at every connect.
func ExampleAuthFunc() {
	srv := exampleServer()
	defer srv.Close()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "password")
	if err := os.WriteFile(file, []byte("first\n"), 0o600); err != nil {
		log.Fatal(err)
	}

	fromFile := zk.AuthFunc("password file", func(context.Context) (zk.Auth, error) {
		password, err := os.ReadFile(file)
		return zk.DigestAuth("bob", strings.TrimSpace(string(password))), err
	})
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		Auth: []zk.Authenticator{fromFile},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	fmt.Println(client.State())
	// Output:
	// connected
}

// A client gets one more identity while it runs.
func ExampleClient_AddAuth() {
	srv := exampleServer()
	defer srv.Close()
	ctx := context.Background()
	client := exampleClient(srv)
	defer client.Close(ctx)

	if err := client.AddAuth(ctx, zk.DigestAuth("bob", "secret")); err != nil {
		log.Fatal(err) // an *AuthError if the server has refused it
	}
	ids, err := client.WhoAmI(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, id := range ids {
		if id.Scheme == "digest" {
			fmt.Println(id.User)
		}
	}
	// Output:
	// bob
}

// A server refuses the credential.
func ExampleAuthError() {
	srv := exampleServer()
	defer srv.Close()
	srv.OnRequest(func(r zktest.Request) zktest.Verdict {
		if r.Op == "auth" {
			return zktest.Fail(int32(zk.ErrAuthFailed))
		}
		return zktest.Pass
	})
	_, err := zk.Connect(context.Background(), zk.Config{
		Servers: srv.ConnectString(), DialContext: srv.DialContext,
		Auth: []zk.Authenticator{zk.DigestAuth("bob", "secret")},
	})
	var failed *zk.AuthError
	if errors.As(err, &failed) {
		fmt.Println(failed.Name, "at", failed.Server)
		fmt.Println("refused:", errors.Is(err, zk.ErrAuthFailed))
	}
	// Output:
	// digest at zk1:2181
	// refused: true
}

// The server knows the user by SASL. A node belongs to that user.
func ExampleDigestMD5() {
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "zk1:2181",
		Auth:    []zk.Authenticator{zk.DigestMD5("bob", "secret")},
	})
	if errors.Is(err, zk.ErrAuthFailed) {
		log.Fatal("refused: ", err) // it names the mechanism and the server
	}
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	mine := zk.SASLACL(zk.PermAll, "bob")
	if _, err := client.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(mine...)); err != nil {
		log.Fatal(err)
	}
}

// Mutual TLS with files that something else replaces now and then. A node belongs to the
// subject of the certificate.
func ExampleTLSFiles() {
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "zk1:2281,zk2:2281,zk3:2281",
		LoadTLS: zk.TLSFiles("/etc/app/ca.pem", "/etc/app/cert.pem", "/etc/app/key.pem"),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	mine := zk.X509ACL(zk.PermAll, "CN=app,O=Example")
	if _, err := client.Create(ctx, "/mine", nil, zk.Persistent, zk.WithACL(mine...)); err != nil {
		log.Fatal(err)
	}
}

// plain is the SASL mechanism PLAIN, which has one step.
type plain struct{ user, password string }

func (plain) Name() string { return "SASL PLAIN" }

func (p plain) Authenticate(_ context.Context, x *zk.AuthExchange) error {
	_, err := x.SASL([]byte("\x00" + p.user + "\x00" + p.password))
	return err
}

// A SASL mechanism is a type of the program. This one has one step. Others call SASL
// again with an answer to the token that the server returned.
func ExampleAuthenticator() {
	ctx := context.Background()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "zk1:2181",
		Auth:    []zk.Authenticator{plain{"bob", "secret"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
}
