package zktest

import (
	"crypto/sha1"
	"encoding/base64"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/zookit/zookit/internal/proto"
)

// identity is who a connection has shown to be.
type identity struct{ scheme, id string }

// authenticate returns the identity behind credentials. Only digest and ip are
// known; for ip the credentials do not matter, the address does.
func authenticate(scheme string, auth []byte, addr string) (identity, bool) {
	switch scheme {
	case "digest":
		return identity{"digest", digestID(string(auth))}, true
	case "ip":
		return identity{"ip", addr}, true
	}
	return identity{}, false
}

// digestID turns "user:password" into the id that an ACL names.
func digestID(credentials string) string {
	user, _, _ := strings.Cut(credentials, ":")
	sum := sha1.Sum([]byte(credentials))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// allowed reports whether one of ids may do all of perm's kind under acl; an
// empty ACL restricts nothing. Any bit of perm is enough.
func allowed(acl []proto.ACL, perm int32, ids []identity) bool {
	if len(acl) == 0 {
		return true
	}
	for _, a := range acl {
		if a.Perms&perm == 0 {
			continue
		}
		if a.Scheme == "world" && a.ID == "anyone" {
			return true
		}
		for _, id := range ids {
			if id.scheme == a.Scheme && matches(id, a.ID) {
				return true
			}
		}
	}
	return false
}

// matches compares an identity with the id of an ACL of its scheme: an address
// with an address or a range, anything else literally.
func matches(id identity, expr string) bool {
	if id.scheme != "ip" {
		return id.id == expr
	}
	addr, err := netip.ParseAddr(id.id)
	if err != nil {
		return false
	}
	if !strings.Contains(expr, "/") {
		want, err := netip.ParseAddr(expr)
		return err == nil && want == addr
	}
	prefix, err := netip.ParsePrefix(expr)
	return err == nil && prefix.Contains(addr)
}

// fixACL checks the ACL of a create or setACL and puts the caller's own
// identities in the place of the scheme "auth". ok = false is InvalidACL.
func fixACL(acl []proto.ACL, ids []identity) (out []proto.ACL, ok bool) {
	if len(acl) == 0 {
		return nil, false
	}
	if len(acl) == 1 && acl[0] == worldAll[0] {
		return worldAll, true // by far the most frequent, and shared by all nodes
	}
	for i, a := range acl {
		if slices.Contains(acl[:i], a) {
			continue
		}
		switch {
		case a.Scheme == "world" && a.ID == "anyone":
			out = append(out, a)
		case a.Scheme == "auth":
			before := len(out)
			for _, id := range ids {
				if id.scheme == "digest" { // an ip is no proof of who it is
					out = append(out, proto.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if len(out) == before {
				return nil, false
			}
		case a.Scheme == "digest" && validDigest(a.ID), a.Scheme == "ip" && validIP(a.ID):
			out = append(out, a)
		default:
			return nil, false
		}
	}
	return out, true
}

// validDigest asks for two parts around one colon; empty parts at the end do
// not count as parts.
func validDigest(id string) bool {
	return strings.Count(strings.TrimRight(id, ":"), ":") == 1
}

func validIP(id string) bool {
	addr, bits, prefixed := strings.Cut(id, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || !prefixed {
		return err == nil
	}
	n, err := strconv.Atoi(bits)
	return err == nil && n >= 0 && n <= a.BitLen()
}

// masked hides the password hashes of digest ids from those who may read an
// ACL but not change it.
func masked(acl []proto.ACL) []proto.ACL {
	out := slices.Clone(acl)
	for i := range out {
		if out[i].Scheme == "digest" {
			user, _, _ := strings.Cut(out[i].ID, ":")
			out[i].ID = user + ":x"
		}
	}
	return out
}
