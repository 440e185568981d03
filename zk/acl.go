package zk

import (
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/zookit/zookit/internal/oneline"
	"github.com/zookit/zookit/internal/proto"
)

// Perm is a set of permissions.
type Perm int32

// The permissions of a node.
const (
	PermRead   = Perm(proto.PermRead)   // read the data and list the children
	PermWrite  = Perm(proto.PermWrite)  // set the data
	PermCreate = Perm(proto.PermCreate) // create children
	PermDelete = Perm(proto.PermDelete) // delete children
	PermAdmin  = Perm(proto.PermAdmin)  // set the ACL
	PermAll    = Perm(proto.PermAll)
)

// String names the permissions as zkCli and the documentation of ZooKeeper do:
// "READ|CREATE", "ALL", or "none".
func (p Perm) String() string {
	switch p {
	case 0:
		return "none"
	case PermAll:
		return "ALL"
	}
	var names []string
	for _, one := range []struct {
		p    Perm
		name string
	}{{PermRead, "READ"}, {PermWrite, "WRITE"}, {PermCreate, "CREATE"}, {PermDelete, "DELETE"}, {PermAdmin, "ADMIN"}} {
		if p&one.p != 0 {
			names = append(names, one.name)
		}
	}
	if rest := p &^ PermAll; rest != 0 {
		names = append(names, fmt.Sprintf("%#x", int32(rest)))
	}
	return strings.Join(names, "|")
}

// ACL grants permissions on one node to an identity of a scheme. It is not
// inherited by children.
type ACL struct {
	Perms  Perm
	Scheme string
	ID     string
}

// WorldACL grants perms to everybody.
func WorldACL(perms Perm) []ACL { return []ACL{{Perms: perms, Scheme: "world", ID: "anyone"}} }

// CreatorACL grants perms to every identity under which the creating client is
// authenticated. The server refuses it with ErrInvalidACL when there is none.
func CreatorACL(perms Perm) []ACL { return []ACL{{Perms: perms, Scheme: "auth"}} }

// DigestACL grants perms to clients that present user and password by DigestAuth.
// The ACL has only their hash, the one that ZooKeeper defines (SHA-1).
func DigestACL(perms Perm, user, password string) []ACL {
	sum := sha1.Sum([]byte(user + ":" + password))
	return []ACL{{Perms: perms, Scheme: "digest", ID: user + ":" + base64.StdEncoding.EncodeToString(sum[:])}}
}

// SASLACL grants perms to the client that a SASL mechanism has authenticated as user. For
// Kerberos it is the principal, as the server's settings shorten it.
func SASLACL(perms Perm, user string) []ACL {
	return []ACL{{Perms: perms, Scheme: "sasl", ID: user}}
}

// X509ACL grants perms to the client whose certificate has the subject, on servers with the
// authentication provider for X.509. The subject is written as in RFC 2253, such as
// "CN=bob,O=Example".
func X509ACL(perms Perm, subject string) []ACL {
	return []ACL{{Perms: perms, Scheme: "x509", ID: subject}}
}

// IPACL grants perms to clients with an address, such as "10.1.2.3", or in a network, such as
// "10.1.0.0/16". The server compares the address that it sees. Behind a proxy that is the
// proxy's.
func IPACL(perms Perm, network string) []ACL {
	return []ACL{{Perms: perms, Scheme: "ip", ID: network}}
}

// openACL is the ACL of a new node when the caller names none.
var openACL = []proto.ACL{{Perms: proto.PermAll, Scheme: "world", ID: "anyone"}}

// wireACL checks acl and converts it for the wire.
func wireACL(acl []ACL) ([]proto.ACL, error) {
	var errs []error
	if len(acl) == 0 {
		errs = append(errs, errors.New("no entry"))
	}
	out := make([]proto.ACL, len(acl))
	for i, a := range acl {
		if a.Scheme == "" {
			errs = append(errs, fmt.Errorf("entry %d has no scheme", i))
		}
		if a.Perms&^PermAll != 0 {
			errs = append(errs, fmt.Errorf("entry %d has unknown permissions %#x", i, int32(a.Perms)))
		}
		out[i] = proto.ACL{Perms: int32(a.Perms), Scheme: a.Scheme, ID: a.ID}
	}
	if err := oneline.Join(errs...); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrInvalidACL, err)
	}
	return out, nil
}
