package bench

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestMappings(t *testing.T) {
	const maps = `7f0000000000-7f0000001000 rw-s 00000000 00:1b 12 /dev/shm/x/bench/topics/a.ctl
7f0000002000-7f0000003000 r--p 00000000 00:1b 13 /usr/lib/a.so
7f0000004000-7f0000006000 rw-p 00000000 00:00 0
7f0000008000-7f0000009000 rw-s 00000000 00:1b 14 /dev/shm/xy/other
7f000000a000-7f000000c000 rw-s 00000000 00:1b 15 /dev/shm/x/bench/participants (deleted)
`
	got := parseMappings(strings.NewReader(maps), "/dev/shm/x")
	want := []Mapping{{0x7f0000000000, 0x7f0000001000}, {0x7f000000a000, 0x7f000000c000}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("mappings = %x, want %x", got, want)
	}
}

func TestFutexCalls(t *testing.T) {
	const text = `100 futex(0x7f0000000040, FUTEX_WAKE, 1) = 0
101 futex(0x7f0000001000, FUTEX_WAIT, 0, NULL <unfinished ...>
101 <... futex resumed>) = 0
102 futex(0xc000080148, FUTEX_WAKE_PRIVATE, 1) = 1
103 +++ exited with 0 +++
`
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	inside, outside, err := FutexCalls(log, []Mapping{{0x7f0000000000, 0x7f0000001000}})
	if err != nil || inside != 1 || outside != 2 {
		t.Errorf("%d inside, %d outside, error %v: want 1 and 2", inside, outside, err)
	}
	if _, _, err := FutexCalls(log, nil); err == nil {
		t.Error("a trace without mappings to look for was counted")
	}
}
