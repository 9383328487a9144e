package bench

import (
	"fmt"
	"os"
	"structs"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A board is a mapped file by which the processes of one run keep step. It is
// read in the hot loop: the phase alone on its line, so that it stays in every
// cache until it changes.
type board struct {
	_      structs.HostLayout
	phase  atomic.Uint32
	_      [124]byte
	ready  atomic.Uint32 // processes that are open
	done   atomic.Uint32 // processes that have finished their part
	_      [120]byte
	counts [maxProcesses]seat
}

// A seat is what one process shows while it works; it alone writes it.
type seat struct {
	messages atomic.Uint64
	_        [120]byte
}

const boardSize = int(unsafe.Sizeof(board{}))

// makeBoard makes the file of a board, all zero.
func makeBoard(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := f.Truncate(int64(boardSize)); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// openBoard maps a board; it stays mapped while the process lives.
func openBoard(path string) (*board, []byte, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	mapped, err := unix.Mmap(int(f.Fd()), 0, boardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	_ = f.Close()
	if err != nil {
		return nil, nil, fmt.Errorf("map board: %w", err)
	}
	return (*board)(unsafe.Pointer(&mapped[0])), mapped, nil // a mapping is aligned to a page
}
