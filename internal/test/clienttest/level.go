package clienttest

import (
	"github.com/zookit/zookit/internal/test/ensemble"
	"github.com/zookit/zookit/zk"
	"github.com/zookit/zookit/zktest"
)

// Levels are the level of a client for each version of the embedded server.
var Levels = map[zktest.Version]zk.Compat{
	zktest.V3_4: zk.Compat3_4, zktest.V3_5: zk.Compat3_5, zktest.V3_6: zk.Compat3_6,
	zktest.V3_7: zk.Compat3_7, zktest.V3_8: zk.Compat3_8, zktest.V3_9: zk.Compat3_9,
}

// Level is the level of a client for the default server of package ensemble.
func Level() zk.Compat {
	for version, level := range Levels {
		if version.String() == string(ensemble.Current()) {
			return level
		}
	}
	return zk.Compat3_9 // Start reports the unknown version
}
