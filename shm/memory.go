package shm

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// MemoryVariable is the environment variable for memory settings where no
// configuration has any; its form is that of [ParseMemory].
const MemoryVariable = "RINGCAST_MEMORY"

// Memory says how the pages of rings are had. The zero value leaves all to the
// system: small pages, mapped when they are first touched, on the NUMA node of
// whoever makes the ring.
type Memory struct {
	// Prefault maps all pages when the ring is opened, so that the first lap has no
	// page faults. It costs milliseconds at open, and makes the whole ring part of
	// this process's resident memory (the ring is in memory in any case).
	Prefault bool
	// Huge joins the slots to pages of 2 MiB, as far as they fill such. Linux 6.1; no
	// mount option is needed.
	Huge bool
	// NUMA says where the slots of rings lie that are made here: "" or "local": on
	// the node of the maker; "interleave": in turn on all; "0,2": on these alone.
	NUMA string
}

// IsZero reports whether the memory asks for nothing.
func (m Memory) IsZero() bool { return m == Memory{} }

// ErrMemory says that a memory setting can't be had here; the error says why.
var ErrMemory = errors.New("memory setting")

// ParseMemory reads settings with commas between them: prefault, huge, numa=local,
// numa=interleave, numa=0+2.
func ParseMemory(text string) (Memory, error) {
	var m Memory
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(part, "=")
		switch {
		case part == "":
		case part == "prefault":
			m.Prefault = true
		case part == "huge":
			m.Huge = true
		case name == "numa" && value != "":
			m.NUMA = strings.ReplaceAll(value, "+", ",")
		default:
			return m, fmt.Errorf("%w %q: want prefault, huge, numa=local, numa=interleave or numa=0+2, with commas between", ErrMemory, part)
		}
	}
	return m, m.Validate()
}

// MemoryFromEnvironment returns m, or what RINGCAST_MEMORY says if m asks for nothing.
func MemoryFromEnvironment(m Memory) (Memory, error) {
	if !m.IsZero() {
		return m, m.Validate()
	}
	m, err := ParseMemory(os.Getenv(MemoryVariable))
	if err != nil {
		return m, fmt.Errorf("%s: %w", MemoryVariable, err)
	}
	return m, nil
}

// Validate says what is wrong with the settings on this machine.
func (m Memory) Validate() error {
	_, _, err := m.policy()
	return err
}

// Policies of mbind(2).
const (
	policyNone       = 0
	policyBind       = 2
	policyInterleave = 3
)

// policy is what mbind takes for the setting: a mode and a mask of nodes below 64.
func (m Memory) policy() (mode int, mask uint64, err error) {
	if m.NUMA == "" || m.NUMA == "local" {
		return policyNone, 0, nil
	}
	have, err := numaNodes()
	if err != nil {
		return 0, 0, fmt.Errorf("%w numa=%s: this kernel knows no NUMA nodes: %v: leave it away", ErrMemory, m.NUMA, err)
	}
	if m.NUMA == "interleave" {
		for _, n := range have {
			mask |= 1 << n
		}
		return policyInterleave, mask, nil
	}
	for _, text := range strings.Split(m.NUMA, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || !slices.Contains(have, n) {
			return 0, 0, fmt.Errorf("%w numa=%s: there is no node %q here: want local, interleave, or some of %v", ErrMemory, m.NUMA, text, have)
		}
		mask |= 1 << n
	}
	return policyBind, mask, nil
}

// numaNodes lists the nodes of this machine that have memory.
func numaNodes() ([]int, error) {
	b, err := os.ReadFile("/sys/devices/system/node/has_memory")
	if err != nil {
		return nil, err
	}
	return parseNodes(strings.TrimSpace(string(b)))
}

// parseNodes reads a list such as 0-1,4; nodes from 64 on are left out.
func parseNodes(text string) (nodes []int, err error) {
	for _, part := range strings.Split(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, err1 := strconv.Atoi(first)
		b, err2 := strconv.Atoi(last)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		for n := a; n <= min(b, 63); n++ {
			nodes = append(nodes, n)
		}
	}
	return nodes, nil
}

const (
	madviseCollapse      = 25
	madvisePopulateRead  = 22
	madvisePopulateWrite = 23
	hugeSize             = 2 << 20
	collapseTries        = 10
)

// Settle has the pages of the segment as the settings say, but for the node, which
// its maker has chosen. Huge pages take some milliseconds a megabyte, prefaulting less
// than one; others may use the segment meanwhile. Heap segments have theirs.
func (s *Segment) Settle(m Memory) error {
	if s.fd < 0 {
		return nil
	}
	if m.Huge && len(s.data) >= hugeSize {
		whole := s.data[:len(s.data)/hugeSize*hugeSize]
		if err := collapse(whole); err != nil {
			return fmt.Errorf("%w huge: segment %q: %w: it takes Linux 6.1 with transparent huge pages, and %d MiB of memory "+
				"in one piece each: leave it away", ErrMemory, s.path, err, hugeSize>>20)
		}
	}
	if !m.Prefault {
		return nil
	}
	how := madvisePopulateRead
	if s.writable {
		how = madvisePopulateWrite
	}
	err := unix.Madvise(s.data, how)
	if errors.Is(err, unix.EINVAL) { // before Linux 5.14
		touch(s.data)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w prefault: segment %q: %w", ErrMemory, s.path, err)
	}
	return nil
}

// collapse tries again where pages are in use for a moment.
func collapse(whole []byte) (err error) {
	for range collapseTries {
		if err = unix.Madvise(whole, madviseCollapse); !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EBUSY) {
			return err
		}
	}
	return err
}

// touch reads a byte of every page: it is mapped then, if not for writing.
func touch(b []byte) (sum byte) {
	for i := 0; i < len(b); i += 4096 {
		sum += b[i]
	}
	return sum
}
