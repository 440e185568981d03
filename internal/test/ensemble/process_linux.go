package ensemble

import (
	"os"
	"syscall"
	"unsafe"
)

// ownProcess makes the kernel kill the child when the thread that started it ends.
// So no server outlives a test binary, however the binary ends.
func ownProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// awaitStopped waits until SIGSTOP has taken effect on all threads of a child. It
// does not consume the child's state, so Wait still sees the end of the child.
func awaitStopped(pid int) error {
	const byPid, stopped, leave = 1, 2, 0x01000000 // P_PID, WSTOPPED, WNOWAIT
	var info [128]byte                             // siginfo_t, which is not used
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
