package proto

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// The numbers below repeat those of the constants on purpose. They are the
// protocol's, and these tests find a change of a constant.

func TestErrCode_Numbers(t *testing.T) {
	want := map[ErrCode]int32{
		OK: 0, SystemError: -1, RuntimeInconsistency: -2, DataInconsistency: -3, ConnectionLoss: -4, MarshallingError: -5,
		Unimplemented: -6, OperationTimeout: -7, BadArguments: -8, UnknownSession: -12, NewConfigNoQuorum: -13,
		ReconfigInProgress: -14, APIError: -100, NoNode: -101, NoAuth: -102, BadVersion: -103, NoChildrenForEphemerals: -108,
		NodeExists: -110, NotEmpty: -111, SessionExpired: -112, InvalidCallback: -113, InvalidACL: -114, AuthFailed: -115,
		SessionMoved: -118, NotReadOnly: -119, EphemeralOnLocalSession: -120, NoWatcher: -121, RequestTimeout: -122,
		ReconfigDisabled: -123, SessionClosedRequireSaslAuth: -124, QuotaExceeded: -125, ThrottledOp: -127,
	}
	for code, n := range want {
		if int32(code) != n {
			t.Errorf("%s is %d, want %d", code, int32(code), n)
		}
		if errText[code] == "" {
			t.Errorf("%d is not known", n)
		}
	}
	if len(errText) != len(want) {
		t.Errorf("%d codes have a text, want %d", len(errText), len(want))
	}
}

func TestErrCode_TextsAreTellingAndDistinct(t *testing.T) {
	seen := map[string]ErrCode{}
	for _, code := range slices.Sorted(maps.Keys(errText)) {
		s := code.String()
		if s == "" || strings.Contains(s, "unknown error code") || s != strings.ToLower(s) {
			t.Errorf("code %d has the text %q", int32(code), s)
		}
		if other, ok := seen[s]; ok {
			t.Errorf("codes %d and %d share the text %q", int32(other), int32(code), s)
		}
		seen[s] = code
	}
}

func TestErrCode_UnknownKeepsItsNumber(t *testing.T) {
	for code, want := range map[ErrCode]string{
		-126: "unknown error code -126", 7: "unknown error code 7", -1 << 31: "unknown error code -2147483648",
	} {
		if code.String() != want {
			t.Errorf("code %d: %q, want %q", int32(code), code, want)
		}
	}
}

func TestOpCode_NumbersAndNames(t *testing.T) {
	tests := []struct {
		op   OpCode
		n    int32
		name string
	}{
		{OpError, -1, "error"},
		{OpCreate, 1, "create"},
		{OpDelete, 2, "delete"},
		{OpExists, 3, "exists"},
		{OpGetData, 4, "get"},
		{OpSetData, 5, "set"},
		{OpGetACL, 6, "getACL"},
		{OpSetACL, 7, "setACL"},
		{OpGetChildren, 8, "children"},
		{OpSync, 9, "sync"},
		{OpPing, 11, "ping"},
		{OpGetChildren2, 12, "children"},
		{OpCheck, 13, "check"},
		{OpMulti, 14, "multi"},
		{OpCreate2, 15, "create"},
		{OpReconfig, 16, "reconfig"},
		{OpCheckWatches, 17, "checkWatches"},
		{OpRemoveWatches, 18, "removeWatches"},
		{OpCreateContainer, 19, "create"},
		{OpCreateTTL, 21, "create"},
		{OpAuth, 100, "auth"},
		{OpSetWatches, 101, "setWatches"},
		{OpSASL, 102, "sasl"},
		{OpSetWatches2, 105, "setWatches"},
		{OpAddWatch, 106, "addWatch"},
		{OpCloseSession, -11, "closeSession"},
		{0, 0, "op 0"},
		{10, 10, "op 10"},
		{-12, -12, "op -12"},
	}
	for _, tt := range tests {
		if int32(tt.op) != tt.n || tt.op.String() != tt.name {
			t.Errorf("op %d %q, want %d %q", int32(tt.op), tt.op, tt.n, tt.name)
		}
	}
}

func TestOtherConstants(t *testing.T) {
	tests := []struct {
		name      string
		got, want int32
	}{
		{"xid of events", XidWatchEvent, -1},
		{"xid of pings", XidPing, -2},
		{"xid of auth", XidAuth, -4},
		{"xid of setWatches", XidSetWatches, -8},
		{"persistent", FlagPersistent, 0},
		{"ephemeral", FlagEphemeral, 1},
		{"persistent sequential", FlagPersistentSequential, 2},
		{"ephemeral sequential", FlagEphemeralSequential, 3},
		{"container", FlagContainer, 4},
		{"persistent with TTL", FlagPersistentTTL, 5},
		{"persistent sequential with TTL", FlagPersistentSequentialTTL, 6},
		{"all permissions", PermRead | PermWrite | PermCreate | PermDelete | PermAdmin, PermAll},
		{"admin", PermAdmin, 16},
		{"event none", int32(EventNone), -1},
		{"event created", int32(EventCreated), 1},
		{"event deleted", int32(EventDeleted), 2},
		{"event data changed", int32(EventDataChanged), 3},
		{"event children changed", int32(EventChildrenChanged), 4},
		{"event data watch removed", int32(EventDataWatchRemoved), 5},
		{"event child watch removed", int32(EventChildWatchRemoved), 6},
		{"event persistent watch removed", int32(EventPersistentWatchRemoved), 7},
		{"state connected", StateSyncConnected, 3},
		{"watch persistent", WatchPersistent, 0},
		{"watch recursive", WatchPersistentRecursive, 1},
		{"remove children", RemoveChildren, 1},
		{"remove data", RemoveData, 2},
		{"remove any", RemoveAny, 3},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, tt.got, tt.want)
		}
	}
}
