//go:build linux

package shm

import (
	"fmt"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Alarm wakes one goroutine after a time, at the least cost to a program in which nothing else
// happens: the goroutine sleeps in the runtime's poller, and a timerfd, not a timer of the runtime, ends
// that. For its own timers, and for who returns from a system call, the runtime wakes its monitor thread, which naps
// several times before it sees that all is idle again (doc/decisions/318). Set may be called by any goroutine
// before Close, Wait by one, Close once.
type Alarm struct {
	fd   int
	file *os.File // the timerfd, in the runtime's poller
	raw  syscall.RawConn
	read func(uintptr) bool // takeOnce, made once: Wait doesn't allocate
}

// NewAlarm returns one that is not set. It takes a file descriptor.
func NewAlarm() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("alarm: %w", err)
	}
	a := &Alarm{fd: fd, file: os.NewFile(uintptr(fd), "alarm"), read: takeOnce}
	if err = a.file.SetReadDeadline(time.Time{}); err == nil { // is it polled?
		a.raw, err = a.file.SyscallConn()
	}
	if err != nil {
		_ = a.file.Close()
		return nil, fmt.Errorf("alarm: %w", err)
	}
	return a, nil
}

// Set has Wait return once, in d. It replaces what was set before. It never blocks or allocates.
func (a *Alarm) Set(d time.Duration) {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, d.Nanoseconds()))} // 0 would be never
	_, _, _ = unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(a.fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// Wait sleeps until the time has come, however often before it was called, and reports whether it has: false
// says that the alarm is closed.
func (a *Alarm) Wait() bool { return a.raw.Read(a.read) == nil }

// takeOnce reads how often a timerfd has run out, and reports whether it has; false has the poller wait. It never blocks, so
// the runtime hears nothing of it.
func takeOnce(fd uintptr) bool {
	var times [8]byte
	n, _, _ := unix.RawSyscall(unix.SYS_READ, fd, uintptr(unsafe.Pointer(&times)), uintptr(len(times)))
	return int(n) == len(times)
}

// Close ends Wait.
func (a *Alarm) Close() error { return a.file.Close() }
