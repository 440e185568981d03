package main

import (
	"bytes"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stream is what go test -json prints, shortened.
const stream = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/sub"}
{"Action":"output","Package":"p","Test":"TestA/sub","Output":"why\n"}
{"Action":"VERDICT","Package":"p","Test":"TestA/sub"}
{"Action":"VERDICT","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p"}
`

func readStream(t *testing.T, verdict string) outcome {
	o, err := read(strings.NewReader(strings.ReplaceAll(stream, "VERDICT", verdict)))
	require.NoError(t, err)
	return o
}

func TestRead_CountsEachTest(t *testing.T) {
	o := readStream(t, "pass")
	require.Equal(t, "2 / 1 / 1", cell(o), "a test that did not end has failed")
	require.Equal(t, "why\n", o.output["TestA/sub"])
	_, err := read(strings.NewReader("FAIL\tp [setup failed]\n"))
	require.Error(t, err)
}

func TestReport_FailsIfATestDoesWorse(t *testing.T) {
	good, bad := readStream(t, "pass"), readStream(t, "fail")
	var out bytes.Buffer
	require.NoError(t, report(&out, []trial{{before: good, after: good}, {before: bad, after: good}}))
	require.Contains(t, out.String(), "TestA/sub does better with zookit:\nwhy\n")
	out.Reset()
	require.EqualError(t, report(&out, []trial{{before: good, after: bad}}), "2 tests do worse with zookit")
	require.Contains(t, out.String(), "TestA/sub does worse with zookit:\nwhy\n")
	require.Error(t, report(&out, []trial{{before: good, after: readStream(t, "skip")}}), "to skip is not to pass")
	require.EqualError(t, report(&out, []trial{{before: readStream(t, "skip"), after: bad}}), "2 tests do worse with zookit")
	delete(bad.verdicts, "TestA")
	require.Error(t, report(&out, []trial{{before: good, after: bad}}), "nor is to be missing")
}

func TestChoose(t *testing.T) {
	chosen, err := choose([]string{"vitess", "go-kit"})
	require.NoError(t, err)
	require.Equal(t, "go-kit", chosen[1].name)
	_, err = choose([]string{"etcd"})
	require.ErrorContains(t, err, "etcd")
	_, err = findRelease(t.TempDir(), "3.9")
	require.ErrorContains(t, err, installer)
	_, err = findRelease(t.TempDir(), "4")
	require.ErrorContains(t, err, "want 3.8 or 3.9")
}

func TestIsFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	require.False(t, isFree(l.Addr().(*net.TCPAddr).Port))
	first, err := freePorts(3)
	require.NoError(t, err)
	require.Positive(t, first)
}
