package shm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// generous bounds what a test waits for on a busy machine. Nothing is asserted
// about speed with it: a test that needs so long is stuck.
const generous = 20 * time.Second

// roleVariable turns the test binary into one of the programs in roles.
const roleVariable = "RINGCAST_SHM_TEST_ROLE"

// roles are what a child process of a test does; it returns what it exits with.
var roles = map[string]func(args []string) error{
	"join":       roleJoin,
	"die-in-it":  roleDieInIt,
	"sleep":      roleSleep,
	"count":      roleCount,
	"forward":    roleForward,
	"unwritable": roleUnwritable,
	"tiny":       roleTiny,
	"create":     roleCreate,
}

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
}

// A child is a process of the test binary in some role.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
	stdin io.WriteCloser
}

// startChild starts a role; the child is killed when the test ends.
func startChild(t *testing.T, role string, args ...string) *child {
	t.Helper()
	return startChildWith(t, nil, role, args...)
}

func startChildWith(t *testing.T, attr *syscall.SysProcAttr, role string, args ...string) *child {
	t.Helper()
	c, err := tryChild(t, attr, role, args...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func tryChild(t *testing.T, attr *syscall.SysProcAttr, role string, args ...string) (*child, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = attr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{t: t, cmd: cmd, lines: bufio.NewScanner(stdout), stdin: stdin}
	t.Cleanup(c.kill)
	return c, nil
}

// line reads what the child says next.
func (c *child) line() string {
	c.t.Helper()
	got := make(chan string, 1)
	go func() {
		c.lines.Scan()
		got <- c.lines.Text()
	}()
	select {
	case s := <-got:
		return s
	case <-time.After(generous):
		c.t.Fatal("the child says nothing")
		return ""
	}
}

// joined reads the index and generation that a child of a role that joins reports.
func (c *child) joined() (index uint16, generation uint32) {
	c.t.Helper()
	line := c.line()
	if _, err := fmt.Sscanf(line, "joined %d %d", &index, &generation); err != nil {
		c.t.Fatalf("child says %q: %v", line, err)
	}
	return index, generation
}

func (c *child) tell(s string) { _, _ = io.WriteString(c.stdin, s+"\n") }

// kill ends the child by SIGKILL, if it lives, and takes its status.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

// waitForInput keeps a child until its parent says a word or goes.
func waitForInput() string {
	s := bufio.NewScanner(os.Stdin)
	s.Scan()
	return s.Text()
}

// testBase returns an empty directory in shared memory, where the segments
// belong; on a machine without, one for temporary files does.
func testBase(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func openTestDomain(t testing.TB, base string) *Domain {
	t.Helper()
	d, err := OpenDomain(&Config{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func joinTest(t testing.TB, d *Domain, name string) *Participant {
	t.Helper()
	p, err := d.Join(Info{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// eventually repeats a question until the answer is yes.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	end := time.Now().Add(generous)
	for !ok() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", generous, what)
		}
		time.Sleep(time.Millisecond)
	}
}

// mustError checks an error's identity and that its text names what it must.
func mustError(t *testing.T, err, want error, names ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error = %v, want %v", err, want)
	}
	for _, s := range names {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("error %q does not name %q", err, s)
		}
	}
}

// filesIn lists the names in a directory.
func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
