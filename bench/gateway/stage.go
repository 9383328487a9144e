package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A stage is the programs of the measurement.
type stage struct {
	dir      string
	gateway  string // its address
	plain    string // the plain handler's
	work     []*exec.Cmd
	programs []program // whose memory is told
	all      []*exec.Cmd
}

// A program is one whose memory is told.
type program struct {
	name    string
	cmd     *exec.Cmd
	atStart float64 // MiB
}

func newStage(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-gateway-")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

// start starts everything, and waits until it answers.
func (s *stage) start(ctx context.Context) (err error) {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	place := []string{"--shm-dir", s.dir}
	if _, s.plain, err = s.run("", self, "-plain"); err != nil {
		return err
	}
	domain := fmt.Sprintf("bench-gateway-%d", os.Getpid())
	place = append(place, "--domain", domain)
	if _, _, err = s.run("forwarder", *ringcastd, append([]string{"--interface", "lo"}, place...)...); err != nil {
		return err
	}
	for i := range 4 {
		name := ""
		if i == 3 {
			name = "service"
		}
		cmd, _, err := s.run(name, *ringcast, append([]string{"serve", "work", "--concurrency", "16", "--queue", "1024"}, place...)...)
		if err != nil {
			return err
		}
		s.work = append(s.work, cmd)
	}
	if _, _, err = s.run("", *ringcast, append([]string{"serve", "slow", "--concurrency", "20", "--delay", "20ms", "--queue", "64"}, place...)...); err != nil {
		return err
	}
	if _, _, err = s.run("script service", *ringcast, append([]string{"script", "--input", "plain", "--concurrency", "4", "--queue", "1024"}, append(place, "program", "/bin/cat")...)...); err != nil {
		return err
	}
	if _, s.gateway, err = s.run("gateway", *ringcast, append([]string{"gateway", "--port", "0", "--in-flight", "1024"}, place...)...); err != nil {
		return err
	}
	s.gateway = strings.TrimSuffix(s.gateway, "/")
	_, err = load(ctx, s.gateway+"/v1/services/work", 1, 0.2)
	return err
}

var addressSaid = regexp.MustCompile(`http://\S+`)

// run starts a program, and returns when it has said its first line, with the address in it.
// One with a name is told of with its memory.
func (s *stage) run(name, path string, args ...string) (cmd *exec.Cmd, address string, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, "", err
	}
	cmd = exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = w, w
	err = cmd.Start()
	_ = w.Close() // the child has its own
	if err != nil {
		return nil, "", errors.Join(err, r.Close())
	}
	s.all = append(s.all, cmd)
	_ = r.SetReadDeadline(time.Now().Add(time.Minute))
	line, err := bufio.NewReader(r).ReadString('\n')
	go drain(r)
	if err != nil {
		return nil, "", fmt.Errorf("%s %q says nothing: %w", path, args, err)
	}
	if name != "" {
		time.Sleep(200 * time.Millisecond) // until it has settled down
		mib, err := resident(cmd.Process.Pid, "VmRSS:")
		if err != nil {
			return nil, "", err
		}
		s.programs = append(s.programs, program{name, cmd, mib})
	}
	return cmd, addressSaid.FindString(line), nil
}

// drain reads what a program says until it ends: one that writes into a closed pipe is killed.
func drain(r *os.File) {
	_ = r.SetReadDeadline(time.Time{})
	_, _ = io.Copy(io.Discard, r) // its end is the program's
	_ = r.Close()
}

// end ends the programs that run.
func (s *stage) end() error {
	for _, cmd := range s.all {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	return os.RemoveAll(s.dir)
}

// resident is the resident memory of a process, in MiB: what it has (VmRSS:), or has had at
// most (VmHWM:).
func resident(pid int, what string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, what); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, fmt.Errorf("process %d: no %s", pid, what)
}

var (
	rateSaid    = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	slowestSaid = regexp.MustCompile(`Slowest:\s+([\d.]+)`)
	p99Said     = regexp.MustCompile(`99%+ in ([\d.]+)`)
	statusSaid  = regexp.MustCompile(`\[(\d{3})\]\s+(\d+) responses`)
)

// load has hey send requests for a while over so many connections.
func load(ctx context.Context, url string, connections int, seconds float64) (*result, error) {
	body := strings.Repeat("x", *size)
	cmd := exec.CommandContext(ctx, *hey, "-z", fmt.Sprintf("%gs", seconds), "-c", strconv.Itoa(connections), "-m", "POST", "-d", body,
		"-T", "application/octet-stream", "-disable-compression", "-t", "30", url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("hey: %w: %s", err, out)
	}
	text := string(out)
	r := &result{statuses: map[int]int{}}
	for _, one := range []struct {
		said *regexp.Regexp
		to   *float64
	}{{rateSaid, &r.rate}, {slowestSaid, &r.slowest}, {p99Said, &r.p99}} {
		if m := one.said.FindStringSubmatch(text); m != nil {
			if *one.to, err = strconv.ParseFloat(m[1], 64); err != nil {
				return nil, err
			}
		}
	}
	for _, m := range statusSaid.FindAllStringSubmatch(text, -1) {
		status, _ := strconv.Atoi(m[1]) // three digits
		if r.statuses[status], err = strconv.Atoi(m[2]); err != nil {
			return nil, err
		}
	}
	if _, errs, ok := strings.Cut(text, "Error distribution:"); ok {
		r.errors = strings.TrimSpace(errs)
	}
	if len(r.statuses) == 0 && r.errors == "" {
		return nil, fmt.Errorf("hey says nothing of answers: %s", text)
	}
	return r, nil
}
