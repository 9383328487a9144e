package shm

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// memoryMargin is how much of a container's memory is left to its programs' own
// memory and to the kernel's for mappings: a sixteenth, 1 to 64 MiB. A container
// that segments have filled to the brim ends a program with its next page.
func memoryMargin(limit uint64) uint64 { return min(max(1<<20, limit/16), 64<<20) }

// fitsMemory refuses a segment that the memory limit of this process's control group
// has no room for. Its pages are taken when it is made, so without this look the
// kernel would end a process of the container instead of refusing: there is no error
// from fallocate then. What can't be read limits nothing.
func fitsMemory(spec *Spec) error {
	limit, left, ok := memoryLeft("/")
	if !ok || uint64(spec.Size)+memoryMargin(limit) <= left {
		return nil
	}
	return &LimitError{Op: "make segment", Path: spec.Path, Err: unix.ENOMEM,
		Limit: fmt.Sprintf("memory of this container or control group, %d bytes, of which %d are left, and %d needed beside %d for the programs", limit, left, spec.Size, memoryMargin(limit)),
		Advice: "raise it (docker run --memory, resources.limits.memory, MemoryMax), ask for fewer or smaller slots, " +
			"or end what is not needed"}
}

// memoryLeft returns the tightest memory limit above this process and what is left
// of it; false where there is none. root is "/" but in tests. Some tens of
// microseconds.
func memoryLeft(root string) (limit, left uint64, ok bool) {
	left = math.MaxUint64
	groups := ownGroups
	if root != "/" {
		groups = func() []memoryGroup { return memoryGroups(root) }
	}
	for _, g := range groups() {
		for dir := g.dir; ; dir = filepath.Dir(dir) {
			if l, f, found := g.room(dir); found && f < left {
				limit, left, ok = l, f, true
			}
			if len(dir) <= len(g.mount) {
				break
			}
		}
	}
	return limit, left, ok
}

// A memoryGroup is where a memory controller has this process.
type memoryGroup struct {
	mount, dir string // dir is mount or below
	v2         bool
}

// ownGroups are the groups of this process, as they were when it made its first segment.
var ownGroups = sync.OnceValue(func() []memoryGroup { return memoryGroups("/") })

// memoryGroups finds the hierarchies that limit memory: the unified one, and that of
// the controller of version 1.
func memoryGroups(root string) []memoryGroup {
	paths := groupPaths(filepath.Join(root, "proc/self/cgroup"))
	f, err := os.Open(filepath.Join(root, "proc/self/mountinfo"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var groups []memoryGroup
	for s := bufio.NewScanner(f); s.Scan(); {
		before, after, _ := strings.Cut(s.Text(), " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if len(where) < 5 || len(what) < 3 {
			continue
		}
		v2 := what[0] == "cgroup2"
		if !v2 && (what[0] != "cgroup" || !hasWord(what[2], "memory")) {
			continue
		}
		controller := "memory"
		if v2 {
			controller = ""
		}
		path, found := paths[controller]
		if !found {
			continue
		}
		mount := filepath.Join(root, where[4])
		below := strings.TrimPrefix(path, strings.TrimSuffix(where[3], "/")) // a container sees its own part only
		groups = append(groups, memoryGroup{mount: mount, dir: filepath.Join(mount, filepath.Clean("/"+below)), v2: v2})
	}
	return groups
}

// groupPaths reads /proc/self/cgroup: the path of each controller; "" is the unified one.
func groupPaths(file string) map[string]string {
	b, _ := os.ReadFile(file)
	paths := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		for _, controller := range strings.Split(parts[1], ",") {
			paths[controller] = parts[2]
		}
	}
	return paths
}

func hasWord(list, word string) bool {
	for _, w := range strings.Split(list, ",") {
		if w == word {
			return true
		}
	}
	return false
}

// room reads one group: its limit, and what is free or can be had at once because it
// only caches files. Swap that the group may use counts as free.
func (g *memoryGroup) room(dir string) (limit, left uint64, ok bool) {
	names := [...]string{"memory.limit_in_bytes", "memory.usage_in_bytes", "total_active_file", "total_inactive_file"}
	if g.v2 {
		names = [...]string{"memory.max", "memory.current", "active_file", "inactive_file"}
	}
	limit, ok = readNumber(filepath.Join(dir, names[0]))
	used, found := readNumber(filepath.Join(dir, names[1]))
	if !ok || !found || limit >= 1<<62 { // version 1 says "no limit" by a huge number
		return 0, 0, false
	}
	stat := readTable(filepath.Join(dir, "memory.stat"))
	left = limit - min(limit, used) + min(used, stat[names[2]]+stat[names[3]])
	return limit, left + g.swap(dir), true
}

// swap is what the group may still swap out.
func (g *memoryGroup) swap(dir string) uint64 {
	free := readTable("/proc/meminfo")["SwapFree:"] << 10
	if free == 0 {
		return 0
	}
	if !g.v2 {
		limit, ok := readNumber(filepath.Join(dir, "memory.memsw.limit_in_bytes"))
		used, _ := readNumber(filepath.Join(dir, "memory.memsw.usage_in_bytes"))
		if !ok {
			return free
		}
		return min(free, limit-min(limit, used))
	}
	limit, ok := readNumber(filepath.Join(dir, "memory.swap.max"))
	if !ok {
		return free
	}
	used, _ := readNumber(filepath.Join(dir, "memory.swap.current"))
	return min(free, limit-min(limit, used))
}

// readNumber reads a file of one number; "max" is none.
func readNumber(path string) (uint64, bool) {
	n, err := strconv.ParseUint(readWord(path), 10, 64)
	return n, err == nil
}

// readTable reads lines of a name and a number.
func readTable(path string) map[string]uint64 {
	b, _ := os.ReadFile(path)
	table := map[string]uint64{}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) >= 2 {
			table[f[0]], _ = strconv.ParseUint(f[1], 10, 64)
		}
	}
	return table
}
