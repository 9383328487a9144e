package netlab

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// onOneThread runs f on a thread that does nothing else before f has returned.
func onOneThread(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	f()
}

// errClosed means that the lab was closed.
var errClosed = errors.New("netlab: the lab is closed")

// A thread stands in a network namespace of its own, for good: what it starts is
// born there, and killed when the thread ends. Safe for concurrent use.
type thread struct {
	id   int // of the kernel
	work chan func()
	done chan struct{}
	once sync.Once
}

func newThread() (*thread, error) {
	t := &thread{work: make(chan func()), done: make(chan struct{})}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, and its namespace with it
		err := unix.Unshare(unix.CLONE_NEWNET)
		t.id = unix.Gettid()
		ready <- err
		if err == nil {
			t.serve()
		}
	}()
	if err := <-ready; err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return t, nil
}

func (t *thread) serve() {
	for {
		select {
		case f := <-t.work:
			f()
		case <-t.done:
			return
		}
	}
}

// do runs f on the thread and returns its error.
func (t *thread) do(f func() error) error {
	result := make(chan error, 1)
	select {
	case t.work <- func() { result <- f() }:
		return <-result
	case <-t.done:
		return errClosed
	}
}

// end ends the thread after what it does. A second one does nothing.
func (t *thread) end() { t.once.Do(func() { close(t.done) }) }
