package zkdebug

import (
	"encoding/json"
	"expvar"
	"fmt"
	"sync"

	"github.com/zookit/zookit/zk"
)

// published has the variables of this package, by name. The variables of expvar
// cannot be removed.
var published = struct {
	sync.Mutex
	vars map[string]*variable
}{vars: map[string]*variable{}}

// Publish publishes the state of a client as the variable name of package expvar. The
// variable has the form of one client in the JSON of Handler.
//
// Publish may be called again for a name, and then the variable shows the new client.
// With a nil client it shows null, so that expvar keeps no client that is closed. The
// error says that another part of the program has published a variable of that name.
// Nothing is changed then.
func Publish(name string, c *zk.Client) error {
	published.Lock()
	defer published.Unlock()
	v := published.vars[name]
	if v == nil {
		if expvar.Get(name) != nil {
			return fmt.Errorf("zkdebug: publish: the expvar %q is in use: choose another name", name)
		}
		v = &variable{}
		published.vars[name] = v
		v.show(c) // before anybody can read it
		expvar.Publish(name, v)
		return nil
	}
	v.show(c)
	return nil
}

// variable shows a client as an expvar.Var.
type variable struct {
	mu sync.Mutex
	c  *zk.Client
}

func (v *variable) show(c *zk.Client) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.c = c
}

// String is expvar.Var's: JSON.
func (v *variable) String() string {
	v.mu.Lock()
	c := v.c
	v.mu.Unlock()
	if c == nil {
		return "null"
	}
	b, err := json.Marshal(viewOf(c.Stats()))
	if err != nil {
		return "null" // a view has no value that JSON lacks
	}
	return string(b)
}
