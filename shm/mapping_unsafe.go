package shm

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// mapFile maps a file, on a border of 2 MiB if it has that size, so that huge pages
// can be mapped whole. The address space between is given back.
func mapFile(fd, size, prot int) ([]byte, error) {
	if size < hugeSize {
		at, err := unix.MmapPtr(fd, 0, nil, uintptr(size), prot, unix.MAP_SHARED)
		if err != nil {
			return nil, err
		}
		return unsafe.Slice((*byte)(at), size), nil
	}
	at, err := unix.MmapPtr(-1, 0, nil, uintptr(size+hugeSize), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	skip := -uintptr(at) & (hugeSize - 1)
	start := unsafe.Add(at, skip)
	if _, err := unix.MmapPtr(fd, 0, start, uintptr(size), prot, unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
		_ = unix.MunmapPtr(at, uintptr(size+hugeSize))
		return nil, err
	}
	if skip > 0 {
		_ = unix.MunmapPtr(at, skip)
	}
	page := uintptr(unix.Getpagesize())
	end := (uintptr(size) + page - 1) &^ (page - 1)
	if rest := hugeSize + uintptr(size) - skip; rest > end {
		_ = unix.MunmapPtr(unsafe.Add(start, end), rest-end)
	}
	return unsafe.Slice((*byte)(start), size), nil
}

// unmap ends a mapping of mapFile.
func unmap(b []byte) error {
	return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(b)), uintptr(len(b)))
}

// bindNodes has the pages that the file behind the mapping gets from now on lie on
// these NUMA nodes.
func bindNodes(b []byte, mode int, mask uint64) error {
	_, _, errno := unix.Syscall6(unix.SYS_MBIND, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)),
		uintptr(mode), uintptr(unsafe.Pointer(&mask)), 65, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
