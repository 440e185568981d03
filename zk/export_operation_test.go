package zk

import (
	"maps"
	"slices"
)

// OperationNames returns the names of all operations that have a descriptor.
func OperationNames() []string { return slices.Collect(maps.Keys(operations)) }
