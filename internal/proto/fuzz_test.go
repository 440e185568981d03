package proto_test

import "testing"

// There is one target for each family of records. The target of frames is in
// frame_test.go. The requests that only the embedded server decodes have their
// targets in internal/serverproto.

func FuzzConnect(f *testing.F)       { suite().Fuzz(f, "Connect") }
func FuzzHeader(f *testing.F)        { suite().Fuzz(f, "Header") }
func FuzzCreate(f *testing.F)        { suite().Fuzz(f, "Create") }
func FuzzStat(f *testing.F)          { suite().Fuzz(f, "Stat") }
func FuzzChildren(f *testing.F)      { suite().Fuzz(f, "Children") }
func FuzzACL(f *testing.F)           { suite().Fuzz(f, "ACL") }
func FuzzMultiResponse(f *testing.F) { suite().Fuzz(f, "MultiResponse") }
func FuzzWatchEvent(f *testing.F)    { suite().Fuzz(f, "WatchEvent") }
func FuzzSetWatches(f *testing.F)    { suite().Fuzz(f, "SetWatches") }

func TestEveryFamilyHasATarget(t *testing.T) {
	suite().Targets(t, "Connect", "Header", "Create", "Stat", "Children", "ACL", "MultiResponse", "WatchEvent", "SetWatches")
}
