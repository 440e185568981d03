package proto

import "strconv"

// OpCode is the type field of a request header or of one op of a multi.
type OpCode int32

// The op codes that the client or the embedded server uses.
const (
	OpError           OpCode = -1 // an item of a multi reply that failed
	OpCreate          OpCode = 1
	OpDelete          OpCode = 2
	OpExists          OpCode = 3
	OpGetData         OpCode = 4
	OpSetData         OpCode = 5
	OpGetACL          OpCode = 6
	OpSetACL          OpCode = 7
	OpGetChildren     OpCode = 8
	OpSync            OpCode = 9
	OpPing            OpCode = 11
	OpGetChildren2    OpCode = 12
	OpCheck           OpCode = 13
	OpMulti           OpCode = 14
	OpCreate2         OpCode = 15
	OpReconfig        OpCode = 16
	OpCheckWatches    OpCode = 17
	OpRemoveWatches   OpCode = 18
	OpCreateContainer OpCode = 19
	OpCreateTTL       OpCode = 21
	OpMultiRead       OpCode = 22
	OpAuth            OpCode = 100
	OpSetWatches      OpCode = 101
	OpSASL            OpCode = 102
	OpGetEphemerals   OpCode = 103
	OpCountAll        OpCode = 104 // getAllChildrenNumber
	OpSetWatches2     OpCode = 105
	OpAddWatch        OpCode = 106
	OpWhoAmI          OpCode = 107
	OpCloseSession    OpCode = -11
)

// The reserved xids. A reply with any other xid answers the oldest unanswered
// request.
const (
	XidWatchEvent int32 = -1
	XidPing       int32 = -2
	XidAuth       int32 = -4
	XidSetWatches int32 = -8
)

var opNames = map[OpCode]string{
	OpError: "error", OpCreate: "create", OpCreate2: "create", OpCreateContainer: "create", OpCreateTTL: "create",
	OpDelete: "delete", OpExists: "exists", OpGetData: "get", OpSetData: "set", OpGetACL: "getACL", OpSetACL: "setACL",
	OpGetChildren: "children", OpGetChildren2: "children", OpSync: "sync", OpPing: "ping", OpCheck: "check",
	OpMulti: "multi", OpReconfig: "reconfig", OpCheckWatches: "checkWatches", OpRemoveWatches: "removeWatches", OpAuth: "auth", OpSASL: "sasl", OpSetWatches: "setWatches",
	OpSetWatches2: "setWatches", OpAddWatch: "addWatch", OpCloseSession: "closeSession",
	OpGetEphemerals: "ephemerals", OpCountAll: "countDescendants", OpWhoAmI: "whoAmI", OpMultiRead: "multiRead",
}

// String returns the name of the operation as the API spells it.
func (o OpCode) String() string {
	if name, ok := opNames[o]; ok {
		return name
	}
	return "op " + strconv.Itoa(int(o))
}

// Create flags: the mode of a new node.
const (
	FlagPersistent              int32 = 0
	FlagEphemeral               int32 = 1
	FlagPersistentSequential    int32 = 2
	FlagEphemeralSequential     int32 = 3
	FlagContainer               int32 = 4
	FlagPersistentTTL           int32 = 5
	FlagPersistentSequentialTTL int32 = 6
)
