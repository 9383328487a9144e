package scenario

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestMain lets the test binary be the publishers and subscribers, too.
func TestMain(m *testing.M) {
	if role := os.Getenv("SCENARIO_ROLE"); role != "" {
		if err := roles[role](); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// roles are what a process of the test binary may be.
var roles = map[string]func() error{"publisher": publish, "subscriber": subscribe}

// built is the forwarder's program, made once.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func forwarderProgram(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "ringcast-scenario-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "github.com/ringcast/ringcast/cmd/ringcastd").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build: %w: %s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "ringcastd")
}

// A scene is two nodes and the instants of one test.
type scene struct {
	t      *testing.T
	domain string
	a, b   string // directories
	rnd    *rand.Rand
	seed   uint64
}

func newScene(t *testing.T) *scene {
	t.Helper()
	base, err := os.MkdirTemp("/dev/shm", "ringcast-scenario-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", t.Name(), os.Getpid())
	s := &scene{t: t, domain: fmt.Sprintf("scenario-%08x", h.Sum32()), a: filepath.Join(base, "a"), b: filepath.Join(base, "b")}
	s.seed = uint64(time.Now().UnixNano())
	if text := os.Getenv("RINGCAST_SCENARIO_SEED"); text != "" {
		if s.seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	s.rnd = rand.New(rand.NewPCG(s.seed, 1))
	t.Logf("repeat with: RINGCAST_SCENARIO_SEED=%d go test -count=1 -v -run '^%s$' ./internal/scenario", s.seed, t.Name())
	return s
}

// rounds is how often a test kills.
func rounds(t *testing.T) int {
	if text := os.Getenv("RINGCAST_SCENARIO_ROUNDS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return 4
	}
	return 20
}

// between draws an instant.
func (s *scene) between(from, to time.Duration) time.Duration {
	return from + time.Duration(s.rnd.Int64N(int64(to-from)))
}

// A process is one child of the test.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	out  bytes.Buffer // stderr
	done chan struct{}
	err  error // valid when done
}

func start(t *testing.T, name string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = &p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// kill is SIGKILL; it returns when the process is no more.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

// stop asks the process to end, which must go well.
func (p *process) stop() {
	p.t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		if p.err != nil {
			p.t.Errorf("%s: %v: %s", p.name, p.err, p.out.String())
		}
	case <-time.After(10 * time.Second):
		p.kill()
		p.t.Errorf("%s did not stop: %s", p.name, p.out.String())
	}
}

// forwarder starts ringcastd on a node.
func (s *scene) forwarder(dir string, args ...string) *process {
	s.t.Helper()
	args = append([]string{"--shm-dir", dir, "--domain", s.domain, "--interface", "lo", "--quiet"}, args...)
	return start(s.t, "ringcastd "+filepath.Base(dir), nil, forwarderProgram(s.t), args...)
}

// self starts this test binary in a role on a node.
func (s *scene) self(role, dir string, env ...string) *process {
	s.t.Helper()
	env = append(env, "SCENARIO_ROLE="+role, "SCENARIO_DIR="+dir, "SCENARIO_DOMAIN="+s.domain)
	return start(s.t, role, env, os.Args[0])
}

// bus joins a node from within the test.
func (s *scene) bus(dir string) *ringcast.Bus {
	s.t.Helper()
	b, err := ringcast.Open(s.t.Context(), &ringcast.Config{Dir: dir, Domain: s.domain, Name: "scenario"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = b.Close() })
	return b
}

// roleBus joins a node from within a role.
func roleBus() (*ringcast.Bus, error) {
	return ringcast.Open(context.Background(), &ringcast.Config{Dir: os.Getenv("SCENARIO_DIR"), Domain: os.Getenv("SCENARIO_DOMAIN")})
}
