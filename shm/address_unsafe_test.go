package shm

import "unsafe"

// addressOf is where a mapping begins, as smaps says it.
func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
