package ensemble

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// process is one JVM.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the JVM has ended
	err  error         // valid after done is closed
}

// startProcess starts a JVM. One goroutine starts it and waits for its end, on one
// thread: the death signal that ownProcess requests is sent when the thread that
// started the child ends. So no server outlives the test, however the test ends.
func startProcess(bin string, args []string, log *os.File) (*process, error) {
	p := &process{cmd: exec.Command(bin, args...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = ownProcess()
	started := make(chan error)
	go func() { // ended by stop, which waits for done
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("ensemble: start %s: %w", bin, err)
	}
	return p, nil
}

// signal sends a signal. It is no error if the process has just ended.
func (p *process) signal(s syscall.Signal) error {
	return unlessDone(s.String(), p.cmd.Process.Signal(s))
}

func (p *process) pause() error  { return unlessDone("pause", PauseProcess(p.cmd.Process)) }
func (p *process) resume() error { return unlessDone("resume", ResumeProcess(p.cmd.Process)) }

func unlessDone(what string, err error) error {
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ensemble: %s: %w", what, err)
	}
	return nil
}

// stop sends a signal and waits for the end. A paused process handles no signal but
// SIGKILL, so stop also resumes it.
func (p *process) stop(s syscall.Signal) {
	select {
	case <-p.done:
		return
	default:
	}
	_ = p.signal(s)
	if s != syscall.SIGKILL {
		_ = p.resume()
	}
	<-p.done
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}
