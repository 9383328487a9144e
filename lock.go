package ringcast

import (
	"context"
	"sync/atomic"

	"github.com/ringcast/ringcast/ring"
)

// A lock is a mutex whose waiters can be called off. Free, it costs two atomic
// instructions, each of which waits until what was published before has reached the
// other cores. A solo one costs two plain stores: nobody waits for it, and who finds
// it held is turned away; but two goroutines that come in the same instant may both
// get it. It is safe for concurrent use, in so far.
type lock struct {
	state  atomic.Int32  // lockFree, lockHeld, lockWanted
	freed  chan struct{} // holds one token at most
	solo   bool
	plain  bool        // solo: taken without a fence; who closes fences for it
	seized atomic.Bool // solo: somebody closes
}

const (
	lockFree   = iota
	lockHeld   // and nobody waits
	lockWanted // held, and somebody may wait
	lockLent   // plain: held by a claim that is open the short way
)

func newLock(solo bool) lock {
	return lock{freed: make(chan struct{}, 1), solo: solo, plain: solo && ring.Fenceable()}
}

// try takes the lock if it is free.
func (l *lock) try() bool {
	if l.plain {
		return l.tryPlain()
	}
	return l.state.CompareAndSwap(lockFree, lockHeld)
}

// tryPlain is try without a fence.
func (l *lock) tryPlain() bool {
	if l.state.Load() != lockFree {
		return false
	}
	storePlain(&l.state, lockHeld)
	return true
}

// lend takes a plain lock, if it is free, for a claim: one store says both.
func (l *lock) lend() bool {
	if !l.plain || l.state.Load() != lockFree {
		return false
	}
	storePlain(&l.state, lockLent)
	return true
}

// lent reports whether a claim is open the short way.
func (l *lock) lent() bool { return l.state.Load() == lockLent }

// keep makes a lock that was lent one that is held.
func (l *lock) keep() { storePlain(&l.state, lockHeld) }

// take waits for the lock, until the context ends. A waiter that was called off
// may leave a token behind, or the state at lockWanted: the next one looks once
// too often, and that is all. ErrBusy: it is a solo one, and held.
func (l *lock) take(ctx context.Context) error {
	if l.try() {
		return nil
	}
	if l.solo {
		return ErrBusy
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
	if l.plain {
		l.freePlain()
		return
	}
	if l.state.Swap(lockFree) == lockWanted {
		select {
		case l.freed <- struct{}{}:
		default:
		}
	}
}

// freePlain is free of a plain lock.
func (l *lock) freePlain() { storePlain(&l.state, lockFree) }

// seize takes the lock for good, if it is free. The caller has left word before that
// it wants to, and who frees the lock looks for that word and seizes it in turn: one
// of the two gets it. Of a plain lock the holder fences neither between taking it and
// the look for the word nor between freeing it and that look, so we do.
func (l *lock) seize() bool {
	if !l.solo {
		return l.try()
	}
	if l.plain && !ring.FenceAll() {
		return false // cannot be: it was allowed before
	}
	return l.state.Load() == lockFree && l.seized.CompareAndSwap(false, true)
}
