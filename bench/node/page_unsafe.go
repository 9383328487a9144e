package node

import (
	"fmt"
	"os"
	"structs"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A page is what the processes of a run share. Each word has a line of its own.
type page struct {
	_       structs.HostLayout
	stop    atomic.Uint32
	_       [124]byte
	ready   atomic.Uint32
	_       [124]byte
	begun   atomic.Uint32 // all are ready, and have been looked at
	_       [124]byte
	counted atomic.Uint32 // readers that have counted enough
	_       [124]byte
	drained atomic.Uint32 // readers that have read everything
	_       [124]byte
}

// newPage makes a page without a name, for children to inherit.
func newPage() (*os.File, error) {
	fd, err := unix.MemfdCreate("ringcast-peer", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("shared page: %w", err)
	}
	f := os.NewFile(uintptr(fd), "page")
	return f, f.Truncate(int64(unsafe.Sizeof(page{})))
}

// mapPage maps it; it stays while the process lives.
func mapPage(fd int) (*page, error) {
	b, err := unix.Mmap(fd, 0, int(unsafe.Sizeof(page{})), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the shared page: %w", err)
	}
	return (*page)(unsafe.Pointer(&b[0])), nil // a mapping is aligned to a page
}
