package zk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	upstream "github.com/z-division/go-zookeeper/zk"
)

// leftOut are the names of the fork that this package does not have.
var leftOut = []string{
	"AllowReadOnly", "CloseOnSessionExpiration",
	"WithDynamicReconfig", "DynConf", "DynConfPath", "ParseDynConfig", "TypeObserver", "TypeParticipant", "ZkServer", "ZkServerType",
	"ErrEphemeralOnLocalSession", "ErrNoWatcher", "ErrNotReadOnly", "ErrUnimplemented", // ErrUnknown is returned
	// They start servers for tests.
	"DefaultLeaderElectionPort", "DefaultPeerPort", "DefaultServerAutoPurgeSnapRetainCount", "DefaultServerInitLimit",
	"DefaultServerSyncLimit", "DefaultServerTickTime", "ErrMissingServerConfigField", "ServerConfig", "ServerConfigServer",
}

// exported returns the names that a package exports.
func exported(t *testing.T, dir string) []string {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	var names []string
	add := func(name *ast.Ident) {
		if name.IsExported() {
			names = append(names, name.Name)
		}
	}
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
					add(d.Name)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					switch s := s.(type) {
					case *ast.TypeSpec:
						add(s.Name)
					case *ast.ValueSpec:
						for _, name := range s.Names {
							add(name)
						}
					}
				}
			}
		}
	}
	return names
}

func TestAPI_HasTheNamesOfTheFork(t *testing.T) {
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "github.com/z-division/go-zookeeper/zk").Output()
	require.NoError(t, err)
	theirs := exported(t, strings.TrimSpace(string(dir)))
	require.Greater(t, len(theirs), 90)
	ours := exported(t, ".")
	var missing []string
	for _, name := range theirs {
		if !slices.Contains(ours, name) {
			missing = append(missing, name)
		}
	}
	require.ElementsMatch(t, leftOut, missing)
}

func TestAPI_HasTheMethodsOfTheFork(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[*upstream.Conn](), reflect.TypeFor[*Conn]()},
		{reflect.TypeFor[*upstream.Lock](), reflect.TypeFor[*Lock]()},
		{reflect.TypeFor[upstream.State](), reflect.TypeFor[State]()},
		{reflect.TypeFor[upstream.EventType](), reflect.TypeFor[EventType]()},
		{reflect.TypeFor[*upstream.DNSHostProvider](), reflect.TypeFor[*DNSHostProvider]()},
		{reflect.TypeFor[*upstream.SimpleDNSHostProvider](), reflect.TypeFor[*SimpleDNSHostProvider]()},
	} {
		theirs, ours := pair[0], pair[1]
		for m := range theirs.Methods() {
			same, ok := ours.MethodByName(m.Name)
			require.True(t, ok, "%v.%s is missing", theirs, m.Name)
			require.Equal(t, m.Type.String(), same.Type.String(), "%v.%s", theirs, m.Name)
		}
	}
}
