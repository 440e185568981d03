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

// identity is one identity that a client has proved, as in an ACL.
type identity struct{ scheme, id string }

// authenticate returns the identity that credentials prove. It knows the schemes
// digest and ip. For ip the client's address counts, not the credentials.
func authenticate(scheme string, auth []byte, addr string) (identity, bool) {
	switch scheme {
	case "digest":
		return identity{"digest", digestID(string(auth))}, true
	case "ip":
		return identity{"ip", addr}, true
	}
	return identity{}, false
}

// digestID returns the id in an ACL that stands for "user:password".
func digestID(credentials string) string {
	user, _, _ := strings.Cut(credentials, ":")
	sum := sha1.Sum([]byte(credentials))
	return user + ":" + base64.StdEncoding.EncodeToString(sum[:])
}

// superUser is the identity of the super user, beside that of its digest.
var superUser = identity{scheme: "super"}

// allowed reports whether acl grants any bit of perm to one of ids. An empty ACL
// grants everything. The super user may do everything.
func allowed(acl []proto.ACL, perm int32, ids []identity) bool {
	if len(acl) == 0 || slices.Contains(ids, superUser) {
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

// matches reports whether expr, the id in an ACL of the same scheme, names an
// identity. For ip, expr is an address or a range of addresses.
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

// resolveACL checks the ACL of a create or setACL, and replaces the scheme "auth"
// by the identities of the client. If ok is false, the ACL is invalid. schemes are those
// that the server has beside the usual ones: "sasl", "x509".
func (v Version) resolveACL(acl []proto.ACL, ids []identity, schemes []string) (out []proto.ACL, ok bool) {
	if len(acl) == 0 {
		return nil, false
	}
	if len(acl) == 1 && acl[0] == worldAll[0] {
		return worldAll, true // the most frequent ACL by far: all nodes share it
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
				if id.scheme == "digest" || slices.Contains(schemes, id.scheme) { // "auth" does not stand for an address
					out = append(out, proto.ACL{Perms: a.Perms, Scheme: id.scheme, ID: id.id})
				}
			}
			if len(out) == before {
				return nil, false
			}
		case a.Scheme == "digest" && validDigest(a.ID), a.Scheme == "ip" && v.validIP(a.ID),
			slices.Contains(schemes, a.Scheme) && (a.Scheme != "x509" || validSubject(a.ID)):
			out = append(out, a)
		default:
			return nil, false
		}
	}
	return out, true
}

// validDigest reports whether id is "user:hash". Colons at the end do not count.
func validDigest(id string) bool {
	return strings.Count(strings.TrimRight(id, ":"), ":") == 1
}

// validIP reports whether id is an address or a range of addresses. 3.4 refuses ranges.
func (v Version) validIP(id string) bool {
	addr, bits, prefixed := strings.Cut(id, "/")
	a, err := netip.ParseAddr(addr)
	if err != nil || !prefixed {
		return err == nil
	}
	n, err := strconv.Atoi(bits)
	return v.since(V3_5) && err == nil && n >= 0 && n <= a.BitLen()
}

// masked returns acl without the password hashes of digest ids. Clients that may
// read an ACL but not change it get this form.
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
