package zk

import "testing"

func TestSimpleDNSHostProvider_NamesTheServersInTurn(t *testing.T) {
	p := &SimpleDNSHostProvider{}
	var _ HostProvider = p
	if err := p.Init([]string{"a:1", "b:2"}); err != nil || p.Len() != 2 {
		t.Fatal(err, p.Len())
	}
	want := func(server string, retry bool) {
		t.Helper()
		if s, r := p.Next(); s != server || r != retry {
			t.Fatalf("%s %t, want %s %t", s, r, server, retry)
		}
	}
	want("a:1", false)
	want("b:2", false)
	want("a:1", true)
	want("b:2", false)
	p.Connected()
	want("a:1", false)
	want("b:2", false)
	want("a:1", true)
}
