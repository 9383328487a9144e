//go:build linux

package udp

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// mmsghdr is the kernel's struct mmsghdr, which golang.org/x/sys doesn't have.
// The compiler pads it as C does, since Msghdr is aligned to a pointer.
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32 // bytes moved, set by the kernel
}

var _ = [1]struct{}{}[unsafe.Sizeof(mmsghdr{})%unsafe.Sizeof(uintptr(0))]

// recvmmsg receives up to len(h) datagrams without waiting. Where they are sure to be few the runtime is not told
// of the call: told, it would first wake its monitor thread where that sleeps (doc/decisions/290). Otherwise other
// goroutines go on if the copying takes long. h must be on
// the heap, as must all that it points to: the kernel writes there.
func recvmmsg(fd int, h []mmsghdr, few bool) (int, syscall.Errno) {
	return moveMessages(unix.SYS_RECVMMSG, fd, h, few)
}

// fewHeaders are sent without word to the runtime: some microseconds need no other goroutine to go on meanwhile.
const fewHeaders = 8

// sendmmsg sends the datagrams of h in order without waiting, and returns how
// many the kernel took; an error is that of the first when it took none. h must be on the heap.
func sendmmsg(fd int, h []mmsghdr) (int, syscall.Errno) {
	return moveMessages(unix.SYS_SENDMMSG, fd, h, len(h) <= fewHeaders)
}

func moveMessages(call uintptr, fd int, h []mmsghdr, few bool) (int, syscall.Errno) {
	var n uintptr
	var e syscall.Errno
	if few {
		n, _, e = unix.RawSyscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(h))),
			uintptr(len(h)), unix.MSG_DONTWAIT, 0, 0)
	} else {
		n, _, e = unix.Syscall6(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(h))),
			uintptr(len(h)), unix.MSG_DONTWAIT, 0, 0)
	}
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

// epollLook returns how many events of an epoll instance there are now. It never waits, so the runtime hears
// nothing of it.
func epollLook(fd int, events []unix.EpollEvent) (int, syscall.Errno) {
	n, _, e := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(events))),
		uintptr(len(events)), 0, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

// setTimer makes a timerfd readable in d ns, and not before; never if d is negative.
func setTimer(fd int, d int64) syscall.Errno {
	var spec unix.ItimerSpec
	if d >= 0 {
		spec.Value = unix.NsecToTimespec(max(1, d)) // 0 would be never
	}
	_, _, e := unix.RawSyscall6(unix.SYS_TIMERFD_SETTIME, uintptr(fd), 0, uintptr(unsafe.Pointer(&spec)), 0, 0, 0)
	return e
}

// cmsgAt is the control message header at the beginning of b, which must be
// aligned to a pointer and no shorter than a header.
func cmsgAt(b []byte) *unix.Cmsghdr {
	_ = b[unix.SizeofCmsghdr-1]
	return (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(b)))
}
