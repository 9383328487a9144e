package shm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A machine as it looks to fitsMemory: what /proc and the control groups say.
func fakeMachine(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

const (
	mountV2 = "30 29 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
	mountV1 = "31 29 0:27 /docker/abc /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw,memory\n"
)

// TestMemoryLeft reads the limits of containers of both versions, and of none.
func TestMemoryLeft(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct {
		name        string
		files       map[string]string
		limit, left uint64
		ok          bool
	}{
		{"no control groups", map[string]string{"proc/self/cgroup": "", "proc/self/mountinfo": ""}, 0, 0, false},
		{"a container of its own, version 2", map[string]string{
			"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/memory.max": "67108864\n", "sys/fs/cgroup/memory.current": "20971520\n",
			"sys/fs/cgroup/memory.stat":     "anon 8388608\nactive_file 1048576\ninactive_file 3145728\n",
			"sys/fs/cgroup/memory.swap.max": "0\n",
		}, 64 * mib, 48 * mib, true},
		{"without a limit", map[string]string{
			"proc/self/cgroup": "0::/user\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/user/memory.max": "max\n", "sys/fs/cgroup/user/memory.current": "1000\n",
		}, 0, 0, false},
		{"the group above is tighter", map[string]string{
			"proc/self/cgroup": "0::/slice/unit\n", "proc/self/mountinfo": mountV2,
			"sys/fs/cgroup/slice/unit/memory.max": "134217728\n", "sys/fs/cgroup/slice/unit/memory.current": "0\n",
			"sys/fs/cgroup/slice/unit/memory.swap.max": "0\n", "sys/fs/cgroup/slice/memory.swap.max": "0\n",
			"sys/fs/cgroup/slice/memory.max": "67108864\n", "sys/fs/cgroup/slice/memory.current": "67108864\n",
		}, 64 * mib, 0, true},
		{"version 1, seen from within", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n1:cpu:/docker/abc\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "4194304\n",
			"sys/fs/cgroup/memory/memory.memsw.limit_in_bytes": "67108864\n", "sys/fs/cgroup/memory/memory.memsw.usage_in_bytes": "67108864\n",
		}, 64 * mib, 60 * mib, true},
		{"version 1 without a limit", map[string]string{
			"proc/self/cgroup": "4:memory:/docker/abc\n", "proc/self/mountinfo": mountV1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "4194304\n",
		}, 0, 0, false},
	} {
		limit, left, ok := memoryLeft(fakeMachine(t, c.files))
		if ok != c.ok || ok && (limit != c.limit || left != c.left) {
			t.Errorf("%s: %d of %d left, %v; want %d of %d, %v", c.name, left, limit, ok, c.left, c.limit, c.ok)
		}
	}
}

// TestLimitErrors reads the texts that nobody sees on this machine otherwise.
func TestLimitErrors(t *testing.T) {
	for err, says := range map[error][]string{
		syscall.EMFILE: {"open files", "ulimit -n"},
		syscall.ENFILE: {"of the machine", "fs.file-max"},
		syscall.EFBIG:  {"file size", "ulimit -f", "77 bytes are needed"},
		syscall.ENOMEM: {"address space", "ulimit -v", "max_map_count"},
		syscall.ENOSPC: {"no space", "need 77 bytes", "remount,size"},
		syscall.EIO:    {"input/output error"},
	} {
		got := explain("make segment", "/dev/shm/x", 0, 77, err)
		if !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
		for _, want := range append(says, "/dev/shm/x") {
			if !strings.Contains(got.Error(), want) {
				t.Errorf("%q does not say %q", got, want)
			}
		}
	}
	full := &NoSpaceError{Path: "/dev/shm/x", NoInodes: true}
	if !strings.Contains(full.Error(), "nr_inodes") || strings.Contains(full.Error(), "bytes") {
		t.Errorf("%v", full)
	}
}
