package ring

import (
	"sync"

	"golang.org/x/sys/unix"
)

// A store and a load of another word need a fence between them, on both sides, if
// one of two processes is to see the other's store. Where one side is hot and the
// other is about to sleep anyway, the sleeper pays for both: membarrier(2) makes
// every running thread of every registered process pass through a full fence.

// Commands of membarrier(2).
const (
	membarrierQuery                   = 0
	membarrierGlobalExpedited         = 1 << 1
	membarrierRegisterGlobalExpedited = 1 << 2
)

// ownerFlagUnfenced says that the exclusive producer's process is registered, and
// that it does not fence between its store of published and its look at the mask.
const ownerFlagUnfenced = 1

// registered registers this process, once, and reports whether it is. A few system
// calls. In a process of several threads the kernel waits until each core has passed
// through the scheduler (a grace period of RCU): some 10 ms, on busy cores up to seconds, in which
// even a killed process does not end. Nobody may be held up by us then: doc/decisions/025.
var registered = sync.OnceValue(func() bool {
	return supported() && membarrier(membarrierRegisterGlobalExpedited)
})

// supported reports whether the kernel has the commands and lets us use them.
var supported = sync.OnceValue(func() bool {
	have, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, membarrierQuery, 0, 0)
	const need = membarrierGlobalExpedited | membarrierRegisterGlobalExpedited
	return errno == 0 && have&need == need
})

func membarrier(command uintptr) bool {
	_, _, errno := unix.Syscall(unix.SYS_MEMBARRIER, command, 0, 0)
	return errno == 0
}

// fenceOthers is a full fence in all registered processes. False: we may not. It takes a microsecond or two
// and sleeps on nothing, so the runtime hears nothing of it: told, it would first wake its monitor thread
// where that sleeps (doc/decisions/290).
func fenceOthers() bool {
	if !supported() {
		return false
	}
	_, _, errno := unix.RawSyscall(unix.SYS_MEMBARRIER, membarrierGlobalExpedited, 0, 0)
	return errno == 0
}

// Fenceable reports whether FenceAll will work. It registers this process for it, once.
func Fenceable() bool { return registered() }

// FenceAll makes every running thread of this process, and of all that use rings, pass
// through a full fence: a system call for whoever meets, now and then, a goroutine that
// does without fences. False: the system does not allow it.
func FenceAll() bool { return fenceOthers() }

// yieldCore lets another thread of the machine have this core, if one wants it. A
// system call that comes back at once.
func yieldCore() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
