package ensemble

import (
	"os"
	"syscall"
	"unsafe"
)

// ownProcess makes the kernel kill the child when the thread that started it
// ends, so that no server outlives a test binary, however that one ends.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// awaitStopped waits until SIGSTOP has taken effect on all threads of a child.
// It only looks: the child's end is still there for its waiter.
func awaitStopped(pid int) error {
	const byPid, stopped, leave = 1, 2, 0x01000000 // P_PID, WSTOPPED, WNOWAIT
	var info [128]byte                             // siginfo_t, which nobody reads
	for {
		_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, byPid, uintptr(pid),
			uintptr(unsafe.Pointer(&info)), stopped|leave, 0, 0)
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
		default:
			return os.NewSyscallError("waitid", errno)
		}
	}
}
