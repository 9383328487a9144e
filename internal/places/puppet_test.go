package places

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// generous bounds what is waited for on a busy machine.
const generous = 30 * time.Second

// puppetVariable makes the test binary a puppet.
const puppetVariable = "RINGCAST_PLACES_PUPPET"

func TestMain(m *testing.M) {
	if os.Getenv(puppetVariable) == "" {
		os.Exit(m.Run())
	}
	act()
}

// A puppet is a child process of some user in some namespaces.
type puppet struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
}

// start makes a puppet; it is killed when the test ends.
func start(t *testing.T, name string, attr *syscall.SysProcAttr) *puppet {
	t.Helper()
	p := &puppet{t: t, name: name, cmd: exec.Command("/proc/self/exe"), lines: make(chan string, 100)}
	p.cmd.Env = append(os.Environ(), puppetVariable+"="+name)
	if name != victim {
		p.cmd.Stderr = os.Stderr
	}
	p.cmd.Dir = "/"
	p.cmd.SysProcAttr = attr
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(p.kill)
	return p
}

// kill is SIGKILL; it returns when the process is no more.
func (p *puppet) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// tell gives the puppet an order and returns what it answers: "ok ..." or "error: ...".
func (p *puppet) tell(format string, args ...any) string {
	p.t.Helper()
	order := fmt.Sprintf(format, args...)
	if _, err := io.WriteString(p.stdin, order+"\n"); err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, order, err)
	}
	select {
	case line, ok := <-p.lines:
		if !ok {
			_ = p.cmd.Wait()
			p.t.Fatalf("%s: %s: it died: %v", p.name, order, p.cmd.ProcessState)
		}
		return line
	case <-time.After(generous):
		p.t.Fatalf("%s: %s: no answer", p.name, order)
	}
	return ""
}

// does gives an order that must go well, and returns the rest of the answer.
func (p *puppet) does(format string, args ...any) string {
	p.t.Helper()
	answer := p.tell(format, args...)
	rest, ok := strings.CutPrefix(answer, "ok")
	if !ok {
		p.t.Fatalf("%s: %s: %s", p.name, fmt.Sprintf(format, args...), answer)
	}
	return strings.TrimSpace(rest)
}

// refused gives an order that must fail with an error that says all of these.
func (p *puppet) refused(says []string, format string, args ...any) {
	p.t.Helper()
	answer := p.tell(format, args...)
	p.t.Logf("%s: %s: %s", p.name, fmt.Sprintf(format, args...), answer)
	if !strings.HasPrefix(answer, "error: ") {
		p.t.Errorf("%s: %s: it went well: %s", p.name, fmt.Sprintf(format, args...), answer)
	}
	for _, want := range says {
		if !strings.Contains(answer, want) {
			p.t.Errorf("%s: %s: %q does not say %q", p.name, fmt.Sprintf(format, args...), answer, want)
		}
	}
}

// baseFor makes a directory in shared memory that everybody may pass through.
func baseFor(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-places-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// ownedBy makes a base within it that belongs to a user of the test.
func ownedBy(t *testing.T, base string, uid, gid int) string {
	t.Helper()
	dir := filepath.Join(base, fmt.Sprintf("base-%d", uid))
	err := os.Mkdir(dir, 0o755)
	if err == nil {
		err = os.Chmod(dir, 0o755) // whatever the umask
	}
	if err == nil {
		err = os.Chown(dir, uid, gid)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
