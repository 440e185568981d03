package zk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	upstream "github.com/go-zookeeper/zk"
	"github.com/stretchr/testify/require"
)

// exported returns the names that a package exports.
func exported(t *testing.T, dir string) map[string]bool {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil {
					names[d.Name.Name] = true
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						names[s.Name.Name] = true
					case *ast.ValueSpec:
						for _, n := range s.Names {
							names[n.Name] = true
						}
					}
				}
			}
		}
	}
	for n := range names {
		if !ast.IsExported(n) {
			delete(names, n)
		}
	}
	return names
}

// This package has every name of go-zookeeper/zk, and so has the one for the fork, whose
// own tests know what else it has.
func TestAPI_HasEveryName(t *testing.T) {
	theirs := exported(t, output(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-zookeeper/zk"))
	require.Greater(t, len(theirs), 90)
	// Only the client of go-zookeeper could need these.
	for _, internal := range []string{"Rate", "Listener"} {
		delete(theirs, internal)
	}
	ours := exported(t, ".")
	for n := range theirs {
		require.True(t, ours[n], "%s is missing", n)
	}
	fork := exported(t, "../gozookeeperfork/zk")
	delete(ours, "ConnectAsFork") // its Connect
	for n := range ours {
		require.True(t, fork[n], "%s is missing in the module for the fork", n)
	}
}

// Its types have the same fields and methods.
func TestAPI_HasTheSameTypes(t *testing.T) {
	more := map[string]bool{
		"Context": true, "Token": true, "Format": true, // listed in the package documentation
		"Create2": true, "IsConnected": true, // the fork's
	}
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[*upstream.Conn](), reflect.TypeFor[*Conn]()},
		{reflect.TypeFor[*upstream.Lock](), reflect.TypeFor[*Lock]()},
		{reflect.TypeFor[upstream.Event](), reflect.TypeFor[Event]()},
		{reflect.TypeFor[upstream.Stat](), reflect.TypeFor[Stat]()},
		{reflect.TypeFor[upstream.ACL](), reflect.TypeFor[ACL]()},
		{reflect.TypeFor[upstream.ServerStats](), reflect.TypeFor[ServerStats]()},
		{reflect.TypeFor[upstream.ServerClient](), reflect.TypeFor[ServerClient]()},
		{reflect.TypeFor[upstream.ServerClients](), reflect.TypeFor[ServerClients]()},
		{reflect.TypeFor[upstream.MultiResponse](), reflect.TypeFor[MultiResponse]()},
		{reflect.TypeFor[upstream.CreateRequest](), reflect.TypeFor[CreateRequest]()},
		{reflect.TypeFor[upstream.CreateTTLRequest](), reflect.TypeFor[CreateTTLRequest]()},
		{reflect.TypeFor[upstream.SetDataRequest](), reflect.TypeFor[SetDataRequest]()},
		{reflect.TypeFor[upstream.DeleteRequest](), reflect.TypeFor[DeleteRequest]()},
		{reflect.TypeFor[upstream.CheckVersionRequest](), reflect.TypeFor[CheckVersionRequest]()},
		{reflect.TypeFor[*upstream.DNSHostProvider](), reflect.TypeFor[*DNSHostProvider]()},
		{reflect.TypeFor[upstream.State](), reflect.TypeFor[State]()},
		{reflect.TypeFor[upstream.EventType](), reflect.TypeFor[EventType]()},
		{reflect.TypeFor[upstream.Mode](), reflect.TypeFor[Mode]()},
	} {
		theirs, ours := pair[0], pair[1]
		for i := range theirs.NumMethod() {
			m := theirs.Method(i)
			same, ok := ours.MethodByName(m.Name)
			require.True(t, ok, "%v.%s is missing", theirs, m.Name)
			require.Equal(t, m.Type.String(), same.Type.String(), "%v.%s", theirs, m.Name)
		}
		for i := range ours.NumMethod() {
			m := ours.Method(i)
			_, ok := theirs.MethodByName(m.Name)
			require.True(t, ok || more[m.Name], "%v.%s is no method of go-zookeeper", ours, m.Name)
		}
		if theirs.Kind() == reflect.Struct {
			for i := range theirs.NumField() {
				f := theirs.Field(i)
				same, ok := ours.FieldByName(f.Name)
				require.True(t, ok, "%v.%s is missing", theirs, f.Name)
				require.Equal(t, f.Type.String(), same.Type.String(), "%v.%s", theirs, f.Name)
			}
		}
	}
}

// Its constants have the same values, and its errors the same texts.
func TestAPI_HasTheSameValues(t *testing.T) {
	require.Equal(t, int32(upstream.StateExpired), int32(StateExpired))
	for _, s := range []upstream.State{-1, 0, 1, 3, 4, 5, 6, -112, 100, 101, 7} {
		require.Equal(t, s.String(), State(s).String())
	}
	for _, e := range []upstream.EventType{1, 2, 3, 4, -1, -2, 9} {
		require.Equal(t, e.String(), EventType(e).String())
	}
	for _, pair := range [][2]error{
		{upstream.ErrConnectionClosed, ErrConnectionClosed},
		{upstream.ErrNoNode, ErrNoNode},
		{upstream.ErrNodeExists, ErrNodeExists},
		{upstream.ErrNotEmpty, ErrNotEmpty},
		{upstream.ErrBadVersion, ErrBadVersion},
		{upstream.ErrNoAuth, ErrNoAuth},
		{upstream.ErrSessionExpired, ErrSessionExpired},
		{upstream.ErrNoServer, ErrNoServer},
		{upstream.ErrInvalidPath, ErrInvalidPath},
		{upstream.ErrDeadlock, ErrDeadlock},
		{upstream.ErrNotLocked, ErrNotLocked},
		{upstream.ErrClosing, ErrClosing},
		{upstream.ErrInvalidACL, ErrInvalidACL},
		{upstream.ErrInvalidFlags, ErrInvalidFlags},
		{upstream.ErrAuthFailed, ErrAuthFailed},
		{upstream.ErrUnknown, ErrUnknown},
		{upstream.ErrBadArguments, ErrBadArguments},
		{upstream.ErrReconfigDisabled, ErrReconfigDisabled},
	} {
		require.Equal(t, pair[0].Error(), pair[1].Error())
	}
	require.Equal(t, upstream.DigestACL(upstream.PermAll, "u", "p")[0].ID, DigestACL(PermAll, "u", "p")[0].ID)
	require.Equal(t, upstream.AuthACL(3)[0].Scheme, AuthACL(3)[0].Scheme)
	require.Equal(t, upstream.WorldACL(3)[0].ID, WorldACL(3)[0].ID)
}

// A program that replaces go-zookeeper/zk by this module can still run go mod tidy. That
// reads the tests of this package too, and fails if one of them imports this module by its
// own path: one module would then stand for two.
func TestAPI_NoFileImportsThisModule(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, i := range f.Imports {
			require.NotEqual(t, `"github.com/zookit/zookit/compat/gozookeeper"`, i.Path.Value, file)
		}
	}
}
