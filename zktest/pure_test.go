package zktest

import (
	"strings"
	"testing"
	"time"

	"github.com/zookit/zookit/internal/proto"
)

func TestValidPath(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/a": true, "/a/b": true, "/...": true, "/a.": true, "/.a": true, "/ ": true, "/\u20ac": true,
		"": false, "a": false, "/a/": false, "//": false, "/a//b": false, "/.": false, "/a/..": false, "/./a": false,
		"/\x00": false, "/\x1f": false, "/\x7f": false, "/\u0085": false, "/\ue000": false, "/\ufff0": false,
		"/\U0001f600": false, "/\xff": false,
	} {
		if got := V3_9.validPath(path); got != want {
			t.Errorf("validPath(%q) = %v", path, got)
		}
	}
}

func TestACL_Matching(t *testing.T) {
	alice := identity{"digest", digestID("alice:secret")}
	if alice.id != "alice:aYXlLOpEooaV1cRAvUL1fp9Qt7E=" {
		t.Errorf("digest %s", alice.id)
	}
	local := identity{"ip", "127.0.0.1"}
	one := func(perms int32, scheme, id string) []proto.ACL {
		return []proto.ACL{{Perms: perms, Scheme: scheme, ID: id}}
	}
	for _, test := range []struct {
		acl  []proto.ACL
		perm int32
		ids  []identity
		want bool
	}{
		{nil, proto.PermAdmin, nil, true},
		{worldAll, proto.PermAdmin, nil, true},
		{worldRead, proto.PermWrite, nil, false},
		{worldRead, proto.PermRead | proto.PermAdmin, nil, true},
		{one(proto.PermAll, "digest", alice.id), proto.PermRead, nil, false},
		{one(proto.PermAll, "digest", alice.id), proto.PermRead, []identity{local, alice}, true},
		{one(proto.PermRead, "digest", alice.id), proto.PermWrite, []identity{alice}, false},
		{one(proto.PermAll, "ip", "127.0.0.1"), proto.PermRead, []identity{local}, true},
		{one(proto.PermAll, "ip", "127.0.0.0/8"), proto.PermRead, []identity{local}, true},
		{one(proto.PermAll, "ip", "10.0.0.0/8"), proto.PermRead, []identity{local}, false},
	} {
		if got := allowed(test.acl, test.perm, test.ids); got != test.want {
			t.Errorf("allowed(%v, %d, %v) = %v", test.acl, test.perm, test.ids, got)
		}
	}
}

func TestConfig_NamesEveryProblem(t *testing.T) {
	_, err := New(Config{
		Servers: -1, TickTime: time.Microsecond, SyncLimit: -2, MaxRequestSize: -3,
		MinSessionTimeout: time.Minute, MaxSessionTimeout: time.Second,
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, name := range []string{"Servers", "TickTime", "SyncLimit", "MaxRequestSize", "MaxSessionTimeout"} {
		if !strings.Contains(err.Error(), "Config."+name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}
