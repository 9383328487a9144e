package ring

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// memoryVariable says in what memory the rings of these tests are.
const memoryVariable = "RINGCAST_RING_TEST_MEMORY"

const (
	// heapMemory is seen by the race detector. All participants share one span.
	heapMemory = "heap"
	// mappedMemory is a file in memory, as a segment is: not Go's, on a page, zeroed
	// to its end. Each participant has its own mapping, at its own address; those of
	// participants that only read can't be written.
	mappedMemory = "mapped"
)

// memoryNamed returns the memory that a value of memoryVariable asks for.
func memoryNamed(name string) (string, error) {
	switch name {
	case "", heapMemory:
		return heapMemory, nil
	case mappedMemory:
		return mappedMemory, nil
	}
	return "", fmt.Errorf("%s=%q: set it to %q or %q, or leave it out for %q", memoryVariable, name, heapMemory, mappedMemory, heapMemory)
}

func testMemory(t testing.TB) string {
	t.Helper()
	memory, err := memoryNamed(os.Getenv(memoryVariable))
	if err != nil {
		t.Fatal(err)
	}
	return memory
}

// A mappedFile is a span in mapped memory with all of its mappings.
type mappedFile struct {
	file  *os.File
	size  int
	views [][]byte // the first is the one that testSpan gave
}

// mappings are the files of the tests that run.
var mappings = struct {
	mu     sync.Mutex
	starts map[*byte]*mappedFile // by the first byte of views[0]
	tests  map[testing.TB][]*mappedFile
}{starts: map[*byte]*mappedFile{}, tests: map[testing.TB][]*mappedFile{}}

// maxMappedFiles bounds one test: a process may have 65530 mappings, and a file
// has one for each participant.
const maxMappedFiles = 2000

// testSpan makes a segment of the memory that is asked for, and returns its id.
func testSpan(t testing.TB, spec shm.Spec) (span []byte, id uint64) {
	t.Helper()
	seg, err := shm.NewHeapSegment(spec)
	if err != nil {
		t.Fatal(err)
	}
	if testMemory(t) == heapMemory {
		return seg.Bytes(), seg.ID()
	}
	return mapImage(t, seg.Bytes()), seg.ID()
}

// mapImage makes a file of these bytes and maps it until the test ends.
func mapImage(t testing.TB, image []byte) []byte {
	t.Helper()
	fd, err := unix.MemfdCreate("ring-test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	m := &mappedFile{file: os.NewFile(uintptr(fd), "ring-test"), size: len(image)}
	if _, err := m.file.Write(image); err != nil {
		t.Fatal(err)
	}
	span := m.view(t, unix.PROT_READ|unix.PROT_WRITE)
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	files, known := mappings.tests[t]
	if len(files) == maxMappedFiles {
		t.Fatalf("more than %d mapped spans in one test: make fewer, or unmap them as explore does", maxMappedFiles)
	}
	if !known {
		t.Cleanup(func() { unmapFrom(t, 0); forget(t) })
	}
	mappings.tests[t] = append(files, m)
	mappings.starts[&span[0]] = m
	return span
}

func (m *mappedFile) view(t testing.TB, prot int) []byte {
	t.Helper()
	b, err := unix.Mmap(int(m.file.Fd()), 0, m.size, prot, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	m.views = append(m.views, b)
	return b
}

// viewOf maps a span once more, for one participant. On the heap it is the span.
func viewOf(t testing.TB, span []byte, prot int) []byte {
	t.Helper()
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	if m := mappings.starts[&span[0]]; m != nil {
		return m.view(t, prot)
	}
	return span
}

// mappedBy is how many mapped spans the test has.
func mappedBy(t testing.TB) int {
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	return len(mappings.tests[t])
}

// unmapFrom ends the test's mapped spans but for the first n. A test that has
// failed keeps them: its goroutines may still run, and a fault in one of them
// would hide why.
func unmapFrom(t testing.TB, n int) {
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	if t.Failed() {
		return
	}
	files := mappings.tests[t]
	for _, m := range files[n:] {
		delete(mappings.starts, &m.views[0][0])
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}
	mappings.tests[t] = files[:n]
}

func forget(t testing.TB) {
	mappings.mu.Lock()
	defer mappings.mu.Unlock()
	delete(mappings.tests, t)
}

func (m *mappedFile) close() error {
	for _, b := range m.views {
		if err := unix.Munmap(b); err != nil {
			return err
		}
	}
	return m.file.Close()
}
