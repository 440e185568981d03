//go:build unix

package ensemble

import (
	"os"
	"syscall"
)

// PauseProcess stops a process until ResumeProcess. The process notices nothing,
// but that time has passed.
func PauseProcess(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// ResumeProcess lets a paused process go on.
func ResumeProcess(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
