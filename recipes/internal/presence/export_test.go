package presence

import "github.com/zookit/zookit/recipes"

// HandOver is Detach after its first look at the status.
func (n *Node) HandOver() (recipes.Detached, error) { return n.handOver() }
