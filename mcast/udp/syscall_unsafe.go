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

// recvmmsg receives up to len(h) datagrams without waiting. The runtime is told
// of the call, so other goroutines go on if the copying takes long. h must be on
// the heap, as must all that it points to: the kernel writes there.
func recvmmsg(fd int, h []mmsghdr) (int, syscall.Errno) {
	n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(h))),
		uintptr(len(h)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

// sendmmsg sends the datagrams of h in order without waiting, and returns how
// many the kernel took; an error is that of the first when it took none. h must be on the heap.
func sendmmsg(fd int, h []mmsghdr) (int, syscall.Errno) {
	n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(h))),
		uintptr(len(h)), unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0, e
	}
	return int(n), 0
}

// cmsgAt is the control message header at the beginning of b, which must be
// aligned to a pointer and no shorter than a header.
func cmsgAt(b []byte) *unix.Cmsghdr {
	_ = b[unix.SizeofCmsghdr-1]
	return (*unix.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(b)))
}
