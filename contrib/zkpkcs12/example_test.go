package zkpkcs12_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/zookit/zookit/contrib/zkpkcs12"
	"github.com/zookit/zookit/zk"
)

// A client with the files that the servers' operators have made with keytool. The
// password stands in a file of its own.
func Example() {
	secret := func() (string, error) {
		text, err := os.ReadFile("/etc/zk/password")
		return strings.TrimSpace(string(text)), err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := zk.Connect(ctx, zk.Config{
		Servers: "zk1:2281,zk2:2281,zk3:2281",
		LoadTLS: zkpkcs12.Files("/etc/zk/truststore.p12", "/etc/zk/keystore.p12", secret),
	})
	if err != nil {
		fmt.Println(err) // it names each file that cannot be used
		return
	}
	defer client.Close(ctx)
}
