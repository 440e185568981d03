package digestmd5

import (
	"crypto/subtle"
	"errors"
	"fmt"
)

// Offer is the challenge of a server, in UTF-8.
type Offer struct {
	Realm string
	Nonce string // must be fresh
}

// ErrWrong says that a client has the wrong password, or that there is no such user.
var ErrWrong = errors.New("wrong user or password")

// Token is the first token of the server.
func (o Offer) Token() []byte {
	return fmt.Appendf(nil, "realm=%s,nonce=%s,charset=utf-8,algorithm=md5-sess", quote(o.Realm), quote(o.Nonce))
}

// Accept reads the response of a client to the offer. It returns the user, and the last
// token, which proves that the server knows the password. password returns that of a
// user. The error wraps ErrWrong or ErrMalformed.
func (o Offer) Accept(response []byte, password func(user string) (password string, known bool)) (user string, last []byte, err error) {
	all, err := parse(response, maxResponse)
	if err != nil {
		return "", nil, err
	}
	var errs []error
	once := func(name, missing string) string {
		value, err := all.once(name, missing)
		errs = append(errs, err)
		return value
	}
	expect := func(name, missing, want string) {
		if got := once(name, missing); got != want {
			errs = append(errs, malformed("%s is %.40q and not %q", name, got, want))
		}
	}
	user = once("username", "")
	cnonce, uri, proof := once("cnonce", ""), once("digest-uri", ""), once("response", "")
	expect("charset", "-", "utf-8")
	expect("realm", "-", o.Realm)
	expect("nonce", "", o.Nonce)
	expect("nc", "", "00000001")
	expect("qop", "auth", "auth")
	if err := errors.Join(errs...); err != nil {
		return "", nil, err
	}
	secret, known := password(user)
	prove := proofs(user, o.Realm, secret, o.Nonce, cnonce)
	if right := prove("AUTHENTICATE:" + uri); !known || subtle.ConstantTimeCompare([]byte(right), []byte(proof)) != 1 {
		return "", nil, ErrWrong
	}
	return user, []byte("rspauth=" + prove(":"+uri)), nil
}
