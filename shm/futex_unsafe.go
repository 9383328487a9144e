//go:build linux

package shm

import (
	"math"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of futex(2). Not private: the word is shared between processes.
const (
	futexWaitOp = 0
	futexWakeOp = 1
)

// futexWait sleeps until the word is woken, for d at most, unless it differs
// from seen already. A signal ends it early: the caller looks at the word.
func futexWait(word *atomic.Uint32, seen uint32, d time.Duration) syscall.Errno {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWaitOp,
		uintptr(seen), uintptr(unsafe.Pointer(&ts)), 0, 0)
	return errno
}

// futexWakeAll wakes everybody who sleeps on the word. It never blocks, so the runtime
// hears nothing of it: told, it would first wake its monitor thread where that sleeps, and
// whom we wake would wait for that (doc/decisions/231). It reports whether there was anybody.
func futexWakeAll(word *atomic.Uint32) bool {
	n, _, errno := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), futexWakeOp,
		math.MaxInt32, 0, 0, 0)
	return errno == 0 && n > 0
}
