package bench

import (
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// pinProcess keeps all threads of this process on one core, as taskset does;
// those that are made later inherit it. A goroutine that is locked to its thread
// would be pinned more narrowly, but each time that Go's monitor preempts it two
// threads have to be woken until it runs again (doc/decisions/345). Where the
// kernel refuses, threads stay where they are.
//
// GOMAXPROCS stays what it is. Left to itself, Go follows the affinity within a
// second, in the midst of a run, and a program of one processor does not spin.
func pinProcess(cpu int) {
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0)) // who sets it is not followed
	var one unix.CPUSet
	one.Set(cpu)
	threads, _ := os.ReadDir("/proc/self/task") // none: /proc is not mounted
	for _, t := range threads {
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = unix.SchedSetaffinity(id, &one)
		}
	}
	_ = unix.SchedSetaffinity(0, &one)
}
