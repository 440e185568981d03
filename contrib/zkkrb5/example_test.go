package zkkrb5_test

import (
	"context"
	"fmt"
	"time"

	"github.com/zookit/zookit/contrib/zkkrb5"
	"github.com/zookit/zookit/zk"
)

// A client with a keytab.
func Example() {
	auth, err := zkkrb5.New(zkkrb5.Config{Principal: "app/web1.example.org@EXAMPLE.ORG", Keytab: "/etc/app.keytab"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "zk1.example.org,zk2.example.org,zk3.example.org",
		Auth:    []zk.Authenticator{auth},
	})
	if err != nil {
		fmt.Println(err) // a refusal wraps zk.ErrAuthFailed, and says what the KDC or the server said
		return
	}
	defer client.Close(ctx)
	// Only this service can read what it creates here.
	_, err = client.Create(ctx, "/app", nil, zk.Persistent, zk.WithACL(zk.SASLACL(zk.PermAll, "app@EXAMPLE.ORG")...))
	fmt.Println(err)
}
