package digestmd5

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example of RFC 2831, section 4.
func TestRespond_AsTheStandardHasIt(t *testing.T) {
	c, err := ParseChallenge([]byte(`realm="elwood.innosoft.com",nonce="OA6MG9tEQGm2hh",qop="auth",algorithm=md5-sess,charset=utf-8`))
	require.NoError(t, err)
	require.Equal(t, Challenge{Realm: "elwood.innosoft.com", Nonce: "OA6MG9tEQGm2hh", UTF8: true, hasRealm: true}, c)
	r, err := c.Respond("chris", "secret", "OA6MHXh6VqTrRk", "imap/elwood.innosoft.com")
	require.NoError(t, err)
	require.Contains(t, string(r.Token), ",response=d388dad90d4bbd760a152321f2143af7,")
	for token, want := range map[string]bool{
		"rspauth=ea40f60335c427b5527b84dbabcdfffd":       true,
		` rspauth = "ea40f60335c427b5527b84dbabcdfffd",`: true,
		"rspauth=ea40f60335c427b5527b84dbabcdfffe":       false,
		`rspauth=""`: false,
	} {
		proven, err := r.Proven([]byte(token))
		require.NoError(t, err)
		require.Equal(t, want, proven, "%s", token)
	}
	for _, token := range []string{"", "x", "nonce=a", "rspauth=a,rspauth=a", "\x00"} {
		_, err := r.Proven([]byte(token))
		require.ErrorIs(t, err, ErrMalformed, "%q", token)
	}
}

func TestParseChallenge_Forms(t *testing.T) {
	for token, want := range map[string]Challenge{
		`nonce=abc,algorithm=md5-sess`:                                             {Nonce: "abc"},
		"\t, ,NONCE = \"a\\\"b\\\\c\" ,\r\n Algorithm=MD5-SESS,,charset=UTF-8,":    {Nonce: `a"b\c`, UTF8: true},
		`realm="",nonce="a,b=c",algorithm=md5-sess,qop="auth-int, AUTH",maxbuf=12`: {Nonce: "a,b=c", hasRealm: true},
		`realm="one",realm="two",nonce=a,algorithm=md5-sess,new="thing",stale=x`:   {Realm: "one", Nonce: "a", hasRealm: true},
	} {
		c, err := ParseChallenge([]byte(token))
		require.NoError(t, err, "%s", token)
		require.Equal(t, want, c)
	}
}

func TestParseChallenge_BadInput(t *testing.T) {
	for token, text := range map[string]string{
		"":                                   "it has no nonce",
		"algorithm=md5-sess":                 "it has no nonce",
		`nonce="",algorithm=md5-sess`:        "the nonce is empty",
		"nonce=a":                            "it has no algorithm",
		"nonce=a,nonce=b,algorithm=md5-sess": "nonce stands twice",
		"nonce=a,algorithm=md5":              `algorithm "md5" is not md5-sess`,
		"nonce=a,algorithm=md5-sess,charset=latin": `charset "latin" is not utf-8`,
		"nonce=a,algorithm=md5-sess,qop=auth-int":  `qop "auth-int" is without auth`,
		`nonce="a`:                `the value of "nonce" has no end`,
		`nonce="a\`:               `the value of "nonce" has no end`,
		`nonce="a" b`:             "no comma behind nonce",
		"nonce":                   `"nonce" has no value`,
		"nonce=":                  `"nonce" has no value`,
		"nonce=,":                 `"nonce" has no value`,
		"=a":                      "without a name",
		"\x60\x82\x01\xff":        "has no value", // as Kerberos begins
		strings.Repeat(",", 2048): "2048 bytes, at most 2047 are allowed",
	} {
		_, err := ParseChallenge([]byte(token))
		require.ErrorIs(t, err, ErrMalformed, "%.40q", token)
		require.ErrorContains(t, err, text, "%.40q", token)
	}
}

func TestCheck_NamesEachFaultAndNoSecret(t *testing.T) {
	require.NoError(t, Check("bob", ""))
	err := Check("", "hunter2\xff")
	require.EqualError(t, err, "the user is empty\nthe password is not UTF-8")
	require.ErrorContains(t, Check("b\x00", ""), "null character")
	require.ErrorContains(t, Check("b\xff", ""), "the user is not UTF-8")
	_, err = Challenge{}.Respond("", "", "c", "u")
	require.Error(t, err)
	_, err = Challenge{}.Respond("日本", "", "c", "u")
	require.ErrorContains(t, err, "does not read UTF-8")
	r, err := Challenge{Nonce: "n"}.Respond("jür\"gen", "", "c", "u")
	require.NoError(t, err)
	require.Contains(t, string(r.Token), "username=\"j\xfcr\\\"gen\",nonce=\"n\"")
}

// No token of a server panics. An answer is read by the parser as it was written.
func FuzzChallenge(f *testing.F) {
	f.Add([]byte(`realm="zk-sasl-md5",nonce="a\"b\\c",qop="auth",algorithm=md5-sess,charset=utf-8`), "bob", "secret")
	f.Add([]byte("nonce=a,algorithm=md5-sess"), `j"ürgen\`, "pässwörd")
	f.Add([]byte(`nonce="`), "日本", "語")
	f.Fuzz(func(t *testing.T, token []byte, user, password string) {
		c, err := ParseChallenge(token)
		if err != nil {
			require.ErrorIs(t, err, ErrMalformed)
			return
		}
		r, err := c.Respond(user, password, "cnonce", "zookeeper/zk-sasl-md5")
		if err != nil {
			return
		}
		if len(r.Token) <= maxToken {
			all, err := parse(r.Token, maxToken)
			require.NoError(t, err)
			require.Equal(t, []string{c.Nonce}, all["nonce"])
			if c.UTF8 {
				require.Equal(t, []string{user}, all["username"])
			}
			require.Equal(t, c.hasRealm, all["realm"] != nil)
		}
		if proven, err := r.Proven(token); err == nil {
			require.False(t, proven)
		}
	})
}

// The server accepts the response to its offer if the password is right, and proves that
// it knows the password.
func TestOffer(t *testing.T) {
	const uri = "zookeeper/zk-sasl-md5"
	known := func(user string) (string, bool) { return "pässwörd", user == "jür\"gen" }
	offer := Offer{Realm: "zk-sasl-md5", Nonce: "n1"}
	c, err := ParseChallenge(offer.Token())
	require.NoError(t, err)
	r, err := c.Respond("jür\"gen", "pässwörd", "c1", uri)
	require.NoError(t, err)
	user, last, err := offer.Accept(r.Token, known)
	require.NoError(t, err)
	require.Equal(t, "jür\"gen", user)
	proven, err := r.Proven(last)
	require.NoError(t, err)
	require.True(t, proven)

	for user, password := range map[string]string{"jür\"gen": "other", "ann": "pässwörd"} {
		wrong, err := c.Respond(user, password, "c1", uri)
		require.NoError(t, err)
		_, _, err = offer.Accept(wrong.Token, known)
		require.ErrorIs(t, err, ErrWrong)
	}
	good := string(r.Token)
	for _, bad := range []string{
		"", "\x00", good + ",nonce=n1", strings.Replace(good, `nonce="n1"`, `nonce="n2"`, 1), strings.Replace(good, "utf-8", "latin", 1),
		strings.Replace(good, "nc=00000001", "nc=00000002", 1), strings.Replace(good, "zk-sasl-md5", "other", 1),
		strings.Replace(good, "qop=auth", "qop=auth-int", 1), good + ",x=" + strings.Repeat("y", 4096),
	} {
		_, _, err := offer.Accept([]byte(bad), known)
		require.ErrorIs(t, err, ErrMalformed, "%.300q", bad)
	}
}
