package contend

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// expressions are the same forms as regular expressions, to compare parse with.
var expressions = []struct {
	family family
	form   *regexp.Regexp
}{
	{goLock, regexp.MustCompile(`^_c_[0-9a-f]{32}-lock-(-?\d{9,10})$`)},
	{curatorLock, regexp.MustCompile(`^(?:_c_[0-9a-fA-F-]{36}-)?lock-(-?\d{9,10})$`)},
	{curatorLatch, regexp.MustCompile(`^(?:_c_[0-9a-fA-F-]{36}-(?:z-?\d{1,10}-)?)?latch-(-?\d{9,10})$`)},
	{curatorRead, regexp.MustCompile(`^(?:_c_[0-9a-fA-F-]{36}-)?__READ__(-?\d{9,10})$`)},
	{curatorWrite, regexp.MustCompile(`^(?:_c_[0-9a-fA-F-]{36}-)?__WRIT__(-?\d{9,10})$`)},
	{kazooLock, regexp.MustCompile(`^[0-9a-f]{32}__lock__(-?\d{9,10})$`)},
	{kazooRead, regexp.MustCompile(`^[0-9a-f]{32}__rlock__(-?\d{9,10})$`)},
	{javaLock, regexp.MustCompile(`^x-\d+-(-?\d{9,10})$`)},
	{bareNumber, regexp.MustCompile(`^(\d{10}|-\d{9,10})$`)},
}

func parseByExpression(name string) (entry, bool) {
	for _, f := range expressions {
		m := f.form.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		seq, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil {
			return entry{}, false
		}
		return entry{name: name, seq: int32(seq), fam: f.family}, true
	}
	return entry{}, false
}

const (
	uuid = "01234567-89ab-cdef-0123-456789ABCDEF"
	hex  = "0123456789abcdef0123456789abcdef"
)

// The tests parse every combination of a front, a mark and an end.
var (
	fronts = []string{
		"", "_c_" + uuid + "-", "_c_" + hex + "-", hex, "_c_" + uuid, "_c_" + hex, "x-123", "x-", "x", "X-123", "-", "_c_short-",
		"_c_" + uuid + "-z5-", "_c_" + uuid + "-z-2147483648-", "_c_" + uuid + "-z12345678901-", "_c_" + uuid + "-z--1-", "_c_" + uuid + "-z-",
		"_c_" + hex + "-z5-", "z5-", "_c_" + uuid + "x", "_c_" + uuid[1:] + "g-", hex[1:], hex + "0", "_c__c_" + uuid + "-",
	}
	marks = []string{"lock-", "latch-", "__READ__", "__WRIT__", "__lock__", "__rlock__", "-", "lock", "__", "", "block-", "LOCK-", "__lock_"}
	ends  = []string{
		"0000000007", "-000000001", "-0000000001", "000000001", "00000000001", "12345678", "2147483647", "2147483648", "-2147483648",
		"-2147483649", "--00000001", "", "x000000001", "0000000007x", "+000000001", "000000000", "9999999999",
	}
)

func TestParse_AgreesWithTheExpressions(t *testing.T) {
	contenders := 0
	for _, front := range fronts {
		for _, mark := range marks {
			for _, end := range ends {
				name := front + mark + end
				want, ok := parseByExpression(name)
				got, is := parse(name)
				require.Equal(t, ok, is, name)
				if ok {
					require.Equal(t, want, got, name)
					contenders++
				}
			}
		}
	}
	require.Greater(t, contenders, 50)
}

func FuzzParse(f *testing.F) {
	for i, front := range fronts {
		f.Add(front + marks[i%len(marks)] + ends[i%len(ends)])
	}
	f.Fuzz(func(t *testing.T, name string) {
		want, ok := parseByExpression(name)
		if got, is := parse(name); is != ok || ok && got != want {
			t.Errorf("%q: %v %v, want %v %v", name, got, is, want, ok)
		}
	})
}

func BenchmarkQueueOf(b *testing.B) {
	names := make([]string, 1000)
	for i := range names {
		names[i] = fmt.Sprintf("_c_%s-lock-%010d", uuid, (i*7919)%1000)
	}
	d := dialectOf(0, Lock)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.queueOf("/lock", names); err != nil {
			b.Fatal(err)
		}
	}
}
