//go:build linux

package shm

import (
	"fmt"
	"math"
	"os"
	"sync/atomic"
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
//
// The timerfd is never read: the poller tells each time that it runs out, and Set begins its count anew. When that is due
// says whether it has, without a system call.
type Alarm struct {
	fd   int
	file *os.File // the timerfd, in the runtime's poller
	raw  syscall.RawConn
	due  atomic.Int64       // ns since alarmBase; never: it is not set, or Wait has told of it
	look func(uintptr) bool // lookOnce, made once: Wait doesn't allocate
}

const (
	// never is when an alarm is due that is not set.
	never = math.MaxInt64
	// early is by how much the runtime's clock may be behind the timer's: what the poller tells is told once.
	early = 50 * time.Microsecond
)

// alarmBase is where the runtime's monotonic clock is read from, which is the timerfd's.
var alarmBase = time.Now()

// NewAlarm returns one that is not set. It takes a file descriptor.
func NewAlarm() (*Alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("alarm: %w", err)
	}
	a := &Alarm{fd: fd, file: os.NewFile(uintptr(fd), "alarm")}
	a.due.Store(never)
	a.look = a.lookOnce
	if err = a.file.SetReadDeadline(time.Time{}); err == nil { // is it polled?
		a.raw, err = a.file.SyscallConn()
	}
	if err != nil {
		_ = a.file.Close()
		return nil, fmt.Errorf("alarm: %w", err)
	}
	return a, nil
}

// Set has Wait return once, in d, or up to 50 us before. It replaces what was set before. It never blocks or allocates.
func (a *Alarm) Set(d time.Duration) {
	d = max(1, d) // 0 would be never
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	a.due.Store(int64(time.Since(alarmBase) + d - early)) // before: the timer runs out no sooner
	_, _, _ = unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(a.fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
}

// Wait sleeps until the time has come, however often before it was called, and reports whether it has: false
// says that the alarm is closed.
func (a *Alarm) Wait() bool { return a.raw.Read(a.look) == nil }

// lookOnce reports whether the time has come, and that once for each Set; false has the poller wait. A Set
// at the same time counts for itself: its timer is yet to run out. It never blocks, so the runtime hears nothing of it.
func (a *Alarm) lookOnce(uintptr) bool {
	due := a.due.Load()
	return due <= int64(time.Since(alarmBase)) && a.due.CompareAndSwap(due, never)
}

// Close ends Wait.
func (a *Alarm) Close() error { return a.file.Close() }
