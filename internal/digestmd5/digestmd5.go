// Package digestmd5 is the SASL mechanism DIGEST-MD5 (RFC 2831), with the quality of
// protection "auth", which is the only one that ZooKeeper has. The client's half is
// Challenge and Response, the server's half is Offer.
//
// It makes and reads tokens. It has no connection and no randomness.
package digestmd5

import (
	"bytes"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// RFC 2831 allows less than 2048 bytes for a token of a server, and less than 4096 for
// one of a client.
const (
	maxToken    = 2047
	maxResponse = 4095
)

// ErrMalformed says that a token is not one of DIGEST-MD5.
var ErrMalformed = errors.New("malformed DIGEST-MD5 token")

// Challenge is the first token of a server.
type Challenge struct {
	Realm string // the first one; "" if there is none
	Nonce string
	UTF8  bool // the server reads UTF-8, else ISO 8859-1

	hasRealm bool
}

// ParseChallenge reads the first token of a server.
func ParseChallenge(token []byte) (Challenge, error) {
	all, err := parse(token, maxToken)
	if err != nil {
		return Challenge{}, err
	}
	var c Challenge
	if realms := all["realm"]; len(realms) > 0 {
		c.Realm, c.hasRealm = realms[0], true
	}
	var errs []error
	once := func(name, missing string) string {
		value, err := all.once(name, missing)
		errs = append(errs, err)
		return value
	}
	c.Nonce = once("nonce", "")
	algorithm, qop, charset := once("algorithm", ""), once("qop", "auth"), once("charset", "-")
	if err := errors.Join(errs...); err != nil {
		return Challenge{}, err
	}
	c.UTF8 = strings.EqualFold(charset, "utf-8")
	switch {
	case c.Nonce == "":
		return Challenge{}, malformed("the nonce is empty")
	case !strings.EqualFold(algorithm, "md5-sess"):
		return Challenge{}, malformed("algorithm %.40q is not md5-sess", algorithm)
	case !c.UTF8 && charset != "-":
		return Challenge{}, malformed("charset %.40q is not utf-8", charset)
	case !slices.ContainsFunc(strings.Split(qop, ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "auth") }):
		return Challenge{}, malformed("qop %.40q is without auth", qop)
	}
	return c, nil
}

// Response is the answer of a client to a Challenge.
type Response struct {
	Token []byte // to be sent
	proof string // what the server answers if it knows the password
}

// Respond answers the challenge. The client nonce must be fresh. uri is the service
// and the host, as in "zookeeper/zk-sasl-md5".
func (c Challenge) Respond(user, password, cnonce, uri string) (Response, error) {
	if err := Check(user, password); err != nil {
		return Response{}, err
	}
	if !c.UTF8 && !isLatin1(user) {
		return Response{}, errors.New("the server does not read UTF-8, and the user name needs it")
	}
	proof := proofs(user, c.Realm, password, c.Nonce, cnonce)
	var b bytes.Buffer
	if c.UTF8 {
		b.WriteString("charset=utf-8,username=" + quote(user))
	} else {
		b.WriteString("username=" + string(latin1(quote(user))))
	}
	if c.hasRealm {
		b.WriteString(",realm=" + quote(c.Realm))
	}
	fmt.Fprintf(&b, ",nonce=%s,nc=00000001,cnonce=%s,digest-uri=%s,maxbuf=65536,response=%s,qop=auth",
		quote(c.Nonce), quote(cnonce), quote(uri), proof("AUTHENTICATE:"+uri))
	return Response{Token: b.Bytes(), proof: proof(":" + uri)}, nil
}

// proofs returns the function that makes both proofs: of the client from "AUTHENTICATE:"
// and the URI, of the server from ":" and the URI.
func proofs(user, realm, password, nonce, cnonce string) func(a2 string) string {
	key := md5.Sum(slices.Concat(hashed(user), []byte(":"), hashed(realm), []byte(":"), hashed(password)))
	a1 := hexSum(slices.Concat(key[:], []byte(":"+nonce+":"+cnonce)))
	return func(a2 string) string {
		return hexSum([]byte(a1 + ":" + nonce + ":00000001:" + cnonce + ":auth:" + hexSum([]byte(a2))))
	}
}

// Proven reports whether the last token of a server proves that it knows the
// password. The error says that it is not the last token of DIGEST-MD5.
func (r Response) Proven(token []byte) (bool, error) {
	all, err := parse(token, maxToken)
	if err != nil {
		return false, err
	}
	proof, err := all.once("rspauth", "")
	return err == nil && subtle.ConstantTimeCompare([]byte(proof), []byte(r.proof)) == 1, err
}

// Check returns what is wrong with a user and a password, without saying what they
// are.
func Check(user, password string) error {
	var errs []error
	bad := func(is bool, text string) {
		if is {
			errs = append(errs, errors.New(text))
		}
	}
	bad(user == "", "the user is empty")
	bad(!utf8.ValidString(user), "the user is not UTF-8")
	bad(strings.ContainsRune(user, 0), "the user has a null character")
	bad(!utf8.ValidString(password), "the password is not UTF-8")
	return errors.Join(errs...)
}

// hashed returns s as it goes into a hash: in ISO 8859-1 if that has all of its
// characters, else in UTF-8.
func hashed(s string) []byte {
	if isLatin1(s) {
		return latin1(s)
	}
	return []byte(s)
}

// isLatin1 reports whether ISO 8859-1 has all characters of s.
func isLatin1(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r > 0xff })
}

func latin1(s string) []byte {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return out
}

func hexSum(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// quote returns s as a quoted string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
