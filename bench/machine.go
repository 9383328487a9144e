package bench

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Machine is what the figures were measured on.
type Machine struct {
	Kernel    string        `json:"kernel"`
	CPU       string        `json:"cpu"`
	Cores     int           `json:"cores"`
	Go        string        `json:"go"`
	ClockCost time.Duration `json:"clock_ns"` // of one reading
	Time      time.Time     `json:"time"`
}

// ThisMachine looks at the machine; what it cannot find out stays empty.
func ThisMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(), ClockCost: clockCost(), Time: time.Now().Round(time.Second)}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			m.CPU = strings.TrimSpace(value)
			break
		}
	}
	return m
}

func (m Machine) String() string {
	return fmt.Sprintf("%s, %d cores, kernel %s, %s, clock %v", m.CPU, m.Cores, m.Kernel, m.Go, m.ClockCost)
}

// A load is what the machine's processors have done so far, in ticks, and what of it this program and those had
// that it started and has waited for.
type load struct {
	total, idle, steal uint64
	own                time.Duration
	at                 time.Time
}

// tick is the unit of /proc/stat: the kernel tells programs hundredths of a second, whatever its own clock does.
const tick = 10 * time.Millisecond

func readLoad() load {
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	l := parseLoad(first)
	l.at = time.Now()
	for _, whose := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var use unix.Rusage
		if unix.Getrusage(whose, &use) == nil {
			l.own += time.Duration(use.Utime.Nano() + use.Stime.Nano())
		}
	}
	return l
}

// parseLoad reads the line of all processors of /proc/stat: user, nice, system,
// idle, iowait, irq, softirq, steal; what follows is part of user.
func parseLoad(line string) load {
	var l load
	for i, word := range strings.Fields(line) {
		v, err := strconv.ParseUint(word, 10, 64)
		if err != nil || i > 8 {
			continue
		}
		l.total += v
		switch i {
		case 4, 5:
			l.idle += v
		case 8:
			l.steal += v
		}
	}
	return l
}

// stealSince is the part of the machine's time since before that other machines
// of the host took, from 0 to 1.
func (l load) stealSince(before load) float64 {
	if l.total <= before.total {
		return 0
	}
	return float64(l.steal-before.steal) / float64(l.total-before.total)
}

// othersSince is how many cores other programs of the machine kept busy since before.
func (l load) othersSince(before load) float64 {
	took := l.at.Sub(before.at)
	if took <= 0 || l.total <= before.total {
		return 0
	}
	busy := time.Duration((l.total-l.idle-l.steal)-(before.total-before.idle-before.steal)) * tick
	return max(0, float64(busy-(l.own-before.own))/float64(took))
}

// privateBytes is the memory that this process shares with nobody.
func privateBytes() uint64 {
	text, _ := os.ReadFile("/proc/self/smaps_rollup")
	var total uint64
	for line := range strings.Lines(string(text)) {
		var kb uint64
		if name, rest, ok := strings.Cut(line, ":"); ok && strings.HasPrefix(name, "Private_") {
			if _, err := fmt.Sscan(rest, &kb); err == nil {
				total += kb << 10
			}
		}
	}
	return total
}

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
