//go:build !linux

package ensemble

import "syscall"

// ownProcess does nothing: only Linux can end a child with its parent. On other
// systems a killed test binary leaves its servers running.
func ownProcess() *syscall.SysProcAttr { return nil }

// awaitStopped does nothing here, and relies on the signal.
func awaitStopped(int) error { return nil }
