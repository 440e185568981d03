//go:build !linux

package ensemble

import "syscall"

// ownProcess has nothing to ask for: only Linux ends a child with its parent. A
// test binary that is killed elsewhere leaves its servers behind.
func ownProcess() *syscall.SysProcAttr { return nil }

// awaitStopped trusts the signal.
func awaitStopped(int) error { return nil }
