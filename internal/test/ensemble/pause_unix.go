//go:build unix

package ensemble

import (
	"os"
	"syscall"
)

// PauseProcess stops a process until ResumeProcess. To the process only time has
// passed.
func PauseProcess(p *os.Process) error { return p.Signal(syscall.SIGSTOP) }

// ResumeProcess lets a paused process continue.
func ResumeProcess(p *os.Process) error { return p.Signal(syscall.SIGCONT) }
