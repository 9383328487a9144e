package nodes

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// A busyness is what the machine's processors have done so far.
type busyness struct{ processes, stolen time.Duration }

// readBusyness looks at /proc/stat: what processes took, and what other machines of the host
// did. Interrupts are left out: they are of whoever is measured.
func readBusyness() (b busyness) {
	text, _ := os.ReadFile("/proc/stat")
	first, _, _ := strings.Cut(string(text), "\n")
	var user, nice, system, idle, iowait, irq, softirq, steal int64
	if _, err := fmt.Sscanf(first, "cpu %d %d %d %d %d %d %d %d", &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal); err != nil {
		return b
	}
	const tick = time.Second / 100
	return busyness{time.Duration(user+nice+system) * tick, time.Duration(steal) * tick}
}

// elsewhere is how many cores others had since before, while ours had so much.
func (b busyness) elsewhere(before busyness, own, took time.Duration) float64 {
	others := b.processes - before.processes - own + b.stolen - before.stolen
	return max(0, float64(others)/float64(took))
}

// quietEnough is how many cores others may have in a run that counts; this program itself
// takes a part of it.
const quietEnough = 0.15
