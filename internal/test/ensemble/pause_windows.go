package ensemble

import (
	"errors"
	"fmt"
	"os"
)

// PauseProcess fails: Windows has no signal that stops a process.
func PauseProcess(*os.Process) error {
	return fmt.Errorf("ensemble: pause a process on Windows: %w", errors.ErrUnsupported)
}

// ResumeProcess fails, since no process was paused.
func ResumeProcess(*os.Process) error {
	return fmt.Errorf("ensemble: resume a process on Windows: %w", errors.ErrUnsupported)
}
