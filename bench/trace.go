package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// A Mapping is a range of addresses, the end excluded.
type Mapping struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

// mappingsBelow are this process's mappings of files below a directory.
func mappingsBelow(dir string) []Mapping {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	return parseMappings(f, dir)
}

func parseMappings(r io.Reader, dir string) []Mapping {
	var list []Mapping
	for lines := bufio.NewScanner(r); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 6 || !strings.HasPrefix(fields[5], dir+"/") {
			continue
		}
		var m Mapping
		if n, _ := fmt.Sscanf(fields[0], "%x-%x", &m.From, &m.To); n == 2 {
			list = append(list, m)
		}
	}
	return list
}

// FutexCalls counts, in a log of strace -f -e trace=futex, the calls on words
// within the mappings, and all others.
func FutexCalls(log string, within []Mapping) (inside, outside int, err error) {
	if len(within) == 0 {
		return 0, 0, fmt.Errorf("trace %s: the process named no mappings to look for", log)
	}
	f, err := os.Open(log)
	if err != nil {
		return 0, 0, err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		address, ok := futexAddress(lines.Text())
		switch {
		case !ok:
		case contains(within, address):
			inside++
		default:
			outside++
		}
	}
	return inside, outside, lines.Err()
}

// futexAddress reads "1234 futex(0x7f..., FUTEX_WAKE, ...": the begin of a call,
// and not its resumption.
func futexAddress(line string) (uint64, bool) {
	_, rest, ok := strings.Cut(line, "futex(0x")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ",")
	address, err := strconv.ParseUint(digits, 16, 64)
	return address, err == nil
}

func contains(list []Mapping, address uint64) bool {
	for _, m := range list {
		if address >= m.From && address < m.To {
			return true
		}
	}
	return false
}
