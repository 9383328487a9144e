//go:build linux

package udp

import (
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// A waker ends the sleep of the reading goroutine.
//
// The reader says that it sleeps, then looks at woken; the other side sets
// woken, then looks at sleeping. Go's atomics are sequentially consistent, so one of
// the two sees the other, and the system call is spared when nobody sleeps.
type waker struct {
	woken    atomic.Bool // somebody wants ReadBatch to return
	sleeping atomic.Bool

	mu sync.Mutex // held while fd is written, so that it isn't closed meanwhile
	fd int
}

// wake makes the reader's current or next sleep return.
func (w *waker) wake() {
	if w.woken.Swap(true) {
		return // whoever was first has rung
	}
	w.nudge()
}

// nudge ends a sleep under way without asking ReadBatch to return: the time to
// sleep to has changed.
func (w *waker) nudge() {
	if w.sleeping.Load() {
		w.ring()
	}
}

// shut rings whether or not anybody sleeps: the Conn is being closed.
func (w *waker) shut() {
	w.woken.Store(true)
	w.ring()
}

func (w *waker) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		one := [8]byte{1, 1, 1, 1, 1, 1, 1, 1} // any number but 0 in any byte order
		_, _ = unix.Write(w.fd, one[:])        // EAGAIN: it is full, hence readable
	}
}

// drain empties the descriptor after a sleep that it ended.
func (w *waker) drain() {
	var b [8]byte
	_, _ = unix.Read(w.fd, b[:]) // only the reader closes over it: it holds readMu
}

// takeWoken says whether somebody called wake, and forgets it.
func (w *waker) takeWoken() bool { return w.woken.Load() && w.woken.Swap(false) }

func (w *waker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fd >= 0 {
		unix.Close(w.fd)
		w.fd = -1
	}
}
