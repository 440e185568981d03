package zk_test

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

	zk "github.com/zookit/zookit/compat/gozookeeper"
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

// This package has every name of go-zookeeper/zk, and so has its subfolder.
func TestAPI_HasEveryName(t *testing.T) {
	theirs := exported(t, output(t, ".", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-zookeeper/zk"))
	require.Greater(t, len(theirs), 90)
	// Only the client of go-zookeeper could need these.
	for _, internal := range []string{"Rate", "Listener"} {
		delete(theirs, internal)
	}
	ours, forks := exported(t, "."), exported(t, "zk")
	for n := range theirs {
		require.True(t, ours[n], "%s is missing", n)
	}
	require.Equal(t, ours, forks, "the subfolder")
}

// Its types have the same fields and methods.
func TestAPI_HasTheSameTypes(t *testing.T) {
	more := map[string]bool{"Context": true, "Token": true, "Format": true} // listed in the package documentation
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[*upstream.Conn](), reflect.TypeFor[*zk.Conn]()},
		{reflect.TypeFor[*upstream.Lock](), reflect.TypeFor[*zk.Lock]()},
		{reflect.TypeFor[upstream.Event](), reflect.TypeFor[zk.Event]()},
		{reflect.TypeFor[upstream.Stat](), reflect.TypeFor[zk.Stat]()},
		{reflect.TypeFor[upstream.ACL](), reflect.TypeFor[zk.ACL]()},
		{reflect.TypeFor[upstream.ServerStats](), reflect.TypeFor[zk.ServerStats]()},
		{reflect.TypeFor[upstream.ServerClient](), reflect.TypeFor[zk.ServerClient]()},
		{reflect.TypeFor[upstream.ServerClients](), reflect.TypeFor[zk.ServerClients]()},
		{reflect.TypeFor[upstream.MultiResponse](), reflect.TypeFor[zk.MultiResponse]()},
		{reflect.TypeFor[upstream.CreateRequest](), reflect.TypeFor[zk.CreateRequest]()},
		{reflect.TypeFor[upstream.CreateTTLRequest](), reflect.TypeFor[zk.CreateTTLRequest]()},
		{reflect.TypeFor[upstream.SetDataRequest](), reflect.TypeFor[zk.SetDataRequest]()},
		{reflect.TypeFor[upstream.DeleteRequest](), reflect.TypeFor[zk.DeleteRequest]()},
		{reflect.TypeFor[upstream.CheckVersionRequest](), reflect.TypeFor[zk.CheckVersionRequest]()},
		{reflect.TypeFor[*upstream.DNSHostProvider](), reflect.TypeFor[*zk.DNSHostProvider]()},
		{reflect.TypeFor[upstream.State](), reflect.TypeFor[zk.State]()},
		{reflect.TypeFor[upstream.EventType](), reflect.TypeFor[zk.EventType]()},
		{reflect.TypeFor[upstream.Mode](), reflect.TypeFor[zk.Mode]()},
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
	require.Equal(t, int32(upstream.StateExpired), int32(zk.StateExpired))
	for _, s := range []upstream.State{-1, 0, 1, 3, 4, 5, 6, -112, 100, 101, 7} {
		require.Equal(t, s.String(), zk.State(s).String())
	}
	for _, e := range []upstream.EventType{1, 2, 3, 4, -1, -2, 9} {
		require.Equal(t, e.String(), zk.EventType(e).String())
	}
	for _, pair := range [][2]error{
		{upstream.ErrConnectionClosed, zk.ErrConnectionClosed},
		{upstream.ErrNoNode, zk.ErrNoNode},
		{upstream.ErrNodeExists, zk.ErrNodeExists},
		{upstream.ErrNotEmpty, zk.ErrNotEmpty},
		{upstream.ErrBadVersion, zk.ErrBadVersion},
		{upstream.ErrNoAuth, zk.ErrNoAuth},
		{upstream.ErrSessionExpired, zk.ErrSessionExpired},
		{upstream.ErrNoServer, zk.ErrNoServer},
		{upstream.ErrInvalidPath, zk.ErrInvalidPath},
		{upstream.ErrDeadlock, zk.ErrDeadlock},
		{upstream.ErrNotLocked, zk.ErrNotLocked},
		{upstream.ErrClosing, zk.ErrClosing},
		{upstream.ErrInvalidACL, zk.ErrInvalidACL},
		{upstream.ErrInvalidFlags, zk.ErrInvalidFlags},
		{upstream.ErrAuthFailed, zk.ErrAuthFailed},
		{upstream.ErrUnknown, zk.ErrUnknown},
		{upstream.ErrBadArguments, zk.ErrBadArguments},
		{upstream.ErrReconfigDisabled, zk.ErrReconfigDisabled},
	} {
		require.Equal(t, pair[0].Error(), pair[1].Error())
	}
	require.Equal(t, upstream.DigestACL(upstream.PermAll, "u", "p")[0].ID, zk.DigestACL(zk.PermAll, "u", "p")[0].ID)
	require.Equal(t, upstream.AuthACL(3)[0].Scheme, zk.AuthACL(3)[0].Scheme)
	require.Equal(t, upstream.WorldACL(3)[0].ID, zk.WorldACL(3)[0].ID)
}
