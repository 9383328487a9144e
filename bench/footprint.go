package bench

import (
	"bufio"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Footprint is what processes have used so far, and have now.
type Footprint struct {
	At     time.Time
	CPU    time.Duration // of all threads that live
	Memory uint64        // bytes: the processes' shares (PSS) of private memory and of their programs' files, and all of the files in shared memory that were not there before
}

// A Watch looks at the processes below one, which is left out itself: it only directs.
type Watch struct {
	root   int
	before map[string]uint64
}

// sharedMemory is where systems put what their processes share.
const sharedMemory = "/dev/shm"

// NewWatch begins one before the processes are there. It belongs to one goroutine.
func NewWatch(root int) *Watch { return &Watch{root: root, before: sharedFiles()} }

// Look is what the processes have now.
func (w *Watch) Look() Footprint {
	f := Footprint{At: time.Now()}
	for _, pid := range below(w.root) {
		f.CPU += threadsTime(pid)
		f.Memory += shareOf(pid)
	}
	for path, bytes := range sharedFiles() {
		if was := w.before[path]; bytes > was {
			f.Memory += bytes - was
		}
	}
	return f
}

// sharedFiles are the bytes that files in shared memory take.
func sharedFiles() map[string]uint64 {
	files := make(map[string]uint64)
	_ = filepath.WalkDir(sharedMemory, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // gone meanwhile, or of somebody else
		}
		if info, err := d.Info(); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				files[path] = uint64(st.Blocks) * 512
			}
		}
		return nil
	})
	return files
}

// below are the processes that descend from one.
func below(root int) (list []int) {
	children := make(map[int][]int)
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], pid)
		}
	}
	for todo := children[root]; len(todo) > 0; todo = todo[1:] {
		list = append(list, todo[0])
		todo = append(todo, children[todo[0]]...)
	}
	return list
}

// threadsTime is what the threads of a process took, in nanoseconds as the scheduler counts.
func threadsTime(pid int) (sum time.Duration) {
	paths, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	for _, path := range paths {
		text, _ := os.ReadFile(path)
		first, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(ns)
	}
	return sum
}

// shareOf is what a process has of the machine's memory (PSS): what it has alone, and its part
// of what several have, but for shared memory. That is counted by file, since nobody need have mapped it.
func shareOf(pid int) (bytes uint64) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/smaps_rollup")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		if name == "Pss_Anon" || name == "Pss_File" {
			kb, _ := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			bytes += kb << 10
		}
	}
	return bytes
}

// A span is a watch of one run: when all are ready, when the window opens, and before it ends.
type span struct {
	watch             *Watch
	ready, begin, end Footprint
	ended             chan struct{}
}

// holdWatched is how long processes that are ready wait where somebody looks at what they have before they begin.
const holdWatched = 100 * time.Millisecond

// open looks now, behind the warm-up, which begins after hold at the earliest, and again when three quarters of the
// window have passed: a look takes a while on a busy machine, and must be over before the processes end.
func (s *span) open(hold, warmup, window time.Duration) {
	begin := time.Now().Add(hold)
	s.ready, s.ended = s.watch.Look(), make(chan struct{})
	go func() {
		defer close(s.ended)
		time.Sleep(max(0, time.Until(begin)) + warmup)
		s.begin = s.watch.Look()
		time.Sleep(window * 3 / 4)
		s.end = s.watch.Look()
	}()
}

// note writes into a figure what was seen.
func (s *span) note(f *Figure) {
	if s.ended == nil {
		return // never ready
	}
	<-s.ended
	f.MemoryStart, f.MemoryEnd = s.ready.Memory, s.end.Memory
	if took := s.end.At.Sub(s.begin.At); took > 0 {
		f.CPU = float64(s.end.CPU-s.begin.CPU) / float64(took)
	}
}
