package bench

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleepHere is nanosleep(2) without word to the runtime; ts then holds what is left of
// an interrupted sleep.
func sleepHere(ts *unix.Timespec) unix.Errno {
	_, _, err := unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(ts)), uintptr(unsafe.Pointer(ts)), 0)
	return err
}
