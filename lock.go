package ringcast

import (
	"context"
	"sync/atomic"
)

// A lock is a mutex whose waiters can be called off. Free, it costs two atomic
// instructions. It is safe for concurrent use.
type lock struct {
	state atomic.Int32  // lockFree, lockHeld, lockWanted
	freed chan struct{} // holds one token at most
}

const (
	lockFree   = iota
	lockHeld   // and nobody waits
	lockWanted // held, and somebody may wait
)

func newLock() lock { return lock{freed: make(chan struct{}, 1)} }

// try takes the lock if it is free.
func (l *lock) try() bool { return l.state.CompareAndSwap(lockFree, lockHeld) }

// take waits for the lock, until the context ends. A waiter that was called off
// may leave a token behind, or the state at lockWanted: the next one looks once
// too often, and that is all.
func (l *lock) take(ctx context.Context) error {
	if l.try() {
		return nil
	}
	for l.state.Swap(lockWanted) != lockFree {
		select {
		case <-l.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// free gives the lock up and wakes one waiter.
func (l *lock) free() {
	if l.state.Swap(lockFree) == lockWanted {
		select {
		case l.freed <- struct{}{}:
		default:
		}
	}
}
