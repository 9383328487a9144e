package places

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// withMounts starts a puppet that may mount, or returns nil where the system lets
// nobody: the caller then shows the same on what there is.
func withMounts(t *testing.T) *puppet {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Geteuid() != 0 || !mayStart(attr) {
		ownUserNamespace(attr)
	}
	if !mayStart(attr) {
		return nil
	}
	return start(t, "small machine", attr)
}

func mayStart(attr *syscall.SysProcAttr) bool {
	p, err := os.StartProcess("/proc/self/exe", []string{"probe"}, &os.ProcAttr{
		Env: append(os.Environ(), puppetVariable+"=probe"), Files: []*os.File{}, Sys: attr})
	if err != nil {
		return false
	}
	_, err = p.Wait()
	return err == nil
}

// smallFileSystem gives a puppet a tmpfs with these options at its base. Where
// nobody may mount it is /dev/shm itself, which a container has small.
func smallFileSystem(t *testing.T, options string) (p *puppet, base string, own bool) {
	t.Helper()
	base = baseFor(t)
	if p = withMounts(t); p != nil {
		answer := p.tell("mount %s %s", base, options)
		if answer == "ok " || answer == "ok" {
			return p, base, true
		}
		t.Logf("no mount here (%s): on the file system that there is", answer)
	}
	return start(t, "this machine", nil), base, false
}

// populated splits the answer of populate.
func populated(t *testing.T, answer string) (n int, us int, text string) {
	t.Helper()
	head, rest, found := strings.Cut(answer, ", then after ")
	n, err := strconv.Atoi(head)
	if !found || err != nil {
		t.Fatalf("it did not end: %q", answer)
	}
	took, text, _ := strings.Cut(rest, " us: ")
	us, _ = strconv.Atoi(took)
	return n, us, text
}

func says(t *testing.T, text string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
}

// TestContainerOf64MB is the shared memory that a container has by default: a domain
// and some 25 topics, then an error that says what to do; what is there goes on, lap
// after lap over every page.
func TestContainerOf64MB(t *testing.T) {
	p, base, own := smallFileSystem(t, "size=64m")
	p.does("open %s", base)
	if !own {
		fillBut(t, base, 60<<20)
	}
	n, us, text := populated(t, p.does("populate 200"))
	t.Logf("%d topics, then after %d us: %s", n, us, text)
	says(t, text, "no space", "need", "free", "--shm-size", "remount,size", "--shm-dir")
	if own && (n < 20 || n > 30) {
		t.Errorf("%d topics of the default shape", n)
	}
	if us > 100_000 {
		t.Errorf("the refusal took %d us", us)
	}
	if own {
		p.does("fill %s", base)
	}
	p.does("laps 2")
	if got := p.does("alive"); got != "0:alive" {
		t.Errorf("participants: %s", got)
	}
}

// fillBut takes what is free on the test's file system but for some bytes, where
// nothing smaller can be mounted and the machine is small itself; a larger machine
// keeps what it has, and the topics are too many for it in any case.
func fillBut(t *testing.T, base string, left uint64) {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(base, &st); err != nil {
		t.Fatal(err)
	}
	free := st.Bavail * uint64(st.Bsize)
	if free <= left {
		return
	}
	f, err := os.Create(filepath.Join(base, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, int64(free-left)); err != nil {
		t.Fatal(err)
	}
}

// TestFullAtEveryStep makes the file system smaller and smaller, so that each file of
// a domain is the one that does not fit. The domain opens, or there is a clear error
// and no file that is half made.
func TestFullAtEveryStep(t *testing.T) {
	for _, options := range []string{"size=4k", "size=64k", "size=1m", "size=4m", "size=4300k", "size=5m",
		"nr_inodes=2", "nr_inodes=3", "nr_inodes=5", "nr_inodes=9", "nr_inodes=10", "nr_inodes=12"} {
		p, base, own := smallFileSystem(t, options)
		if !own {
			fillBut(t, base, 1<<20)
		}
		begin := time.Now()
		answer := p.tell("open %s", base)
		took := time.Since(begin)
		t.Logf("%s: %v: %s", options, took, answer)
		if strings.HasPrefix(answer, "ok") {
			if options != "nr_inodes=12" {
				t.Errorf("%s: a domain fits", options)
			}
			answer = p.does("populate 200")
		}
		says(t, answer, "no space", "remount", base, "--shm-dir")
		if own && strings.Contains(options, "inodes") {
			says(t, answer, "no inodes left", "nr_inodes")
		} else {
			says(t, answer, "need", "free", "--shm-size")
		}
		if took > 2*time.Second {
			t.Errorf("%s: the refusal took %v", options, took)
		}
		p.kill()
		if !own {
			break
		}
	}
}

// TestLimitsOfTheProcess: files, file size, address space. The error names the limit,
// and what was there goes on.
func TestLimitsOfTheProcess(t *testing.T) {
	for _, c := range []struct {
		limit  string
		topics string
		within time.Duration // ten times the promise; the pages of a large ring come before its mapping
		says   []string
	}{
		{"nofile 30", "100", 100 * time.Millisecond, []string{"too many open files", "open files, 30", "ulimit -n"}},
		{"fsize 1048576", "1", 100 * time.Millisecond, []string{"file too large", "file size, 1048576 bytes", "2166784 bytes are needed", "ulimit -f", "smaller slots"}},
		{"as 50000000", "10 16384", time.Second, []string{"cannot allocate memory", "address space", "ulimit -v", "smaller slots"}},
	} {
		base := baseFor(t)
		p := start(t, "limited", nil)
		p.does("open %s", base)
		p.does("publisher orders")
		p.does("subscribe orders")
		p.does("limit %s", c.limit)
		n, us, text := populated(t, p.does("populate %s", c.topics))
		t.Logf("%s: %d topics, then after %d us: %s", c.limit, n, us, text)
		says(t, text, append(c.says, filepath.Join(base, "default", "topics"))...)
		if time.Duration(us)*time.Microsecond > c.within {
			t.Errorf("%s: the refusal took %d us", c.limit, us)
		}
		p.does("publish still")
		if got := p.does("next"); got != "still" {
			t.Errorf("%s: read %q", c.limit, got)
		}
	}
}

// TestMemoryLimit is a container whose memory, not its file system, is small: without
// the look at the limit the kernel would kill a process of it. It needs a control
// group of its own; what is read of one is shown by shm's TestMemoryLeft everywhere.
func TestMemoryLimit(t *testing.T) {
	group, err := controlGroup(t, containerSize)
	if err != nil {
		t.Logf("no control group can be made here: %v; see TestMemoryLeft in package shm", err)
		return
	}
	base := baseFor(t)
	p := start(t, "contained", nil)
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(fmt.Sprint(p.cmd.Process.Pid)), 0o644); err != nil {
		t.Fatal(err)
	}
	p.does("open %s", base)
	n, us, text := populated(t, p.does("populate 200"))
	t.Logf("%d topics, then after %d us: %s", n, us, text)
	says(t, text, "memory of this container", fmt.Sprintf("%d bytes", containerSize), "docker run --memory", "smaller slots")
	p.does("laps 2")
}

// controlGroup makes a group below our own with a limit of memory.
func controlGroup(t *testing.T, limit int) (string, error) {
	t.Helper()
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", err
	}
	own := map[string]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
			own[parts[1]] = parts[2]
		}
	}
	var errs []error
	for _, c := range []struct{ dir, file string }{
		{filepath.Join("/sys/fs/cgroup/memory", own["memory"]), "memory.limit_in_bytes"},
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
		{filepath.Join("/sys/fs/cgroup", own[""]), "memory.max"},
	} {
		dir := filepath.Join(c.dir, fmt.Sprintf("ringcast-test-%d", os.Getpid()))
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			t.Cleanup(func() { removeGroup(dir) })
			if err = os.WriteFile(filepath.Join(dir, c.file), []byte(fmt.Sprint(limit)), 0o644); err == nil {
				return dir, nil
			}
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// removeGroup removes it once its last process, which was killed, is gone.
func removeGroup(dir string) {
	for range 500 {
		if os.Remove(dir) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}
