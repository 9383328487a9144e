package frozen

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait: a busy machine may take its time.
const patience = 5 * time.Minute

// A node is a directory of shared memory, in a domain that no other test has.
type node struct {
	t           *testing.T
	dir, domain string
	speaks      string // address of its forwarder
}

func newNode(t *testing.T) *node {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-frozen-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &node{t: t, dir: dir, domain: filepath.Base(dir)}
}

// other makes another node of the same domain.
func (n *node) other() *node {
	o := newNode(n.t)
	o.domain = n.domain
	return o
}

// command is a program of a release on this node.
func (n *node) command(r release, program string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	n.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join(r.bin, program), append(args, "--shm-dir", n.dir, "--domain", n.domain)...)
	cmd.Stderr = os.Stderr
	return cmd
}

// forward starts the forwarder of a release, and waits until it speaks.
func (n *node) forward(r release) {
	n.t.Helper()
	cmd := n.command(r, "ringcastd", "--interface", "lo", "--mtu", "1408")
	cmd.Stderr = nil
	out, err := cmd.StderrPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	n.start(cmd)
	lines := bufio.NewScanner(out)
	for n.speaks == "" && lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), "speaks from "); found {
			n.speaks, _, _ = strings.Cut(rest, ",")
		}
	}
	if n.speaks == "" {
		n.t.Fatalf("the forwarder of %s does not say where it speaks", r.name)
	}
	go func() {
		for lines.Scan() { // nobody waits for room in a pipe
		}
	}()
}

// start starts a program, which is killed with the test.
func (n *node) start(cmd *exec.Cmd) {
	n.t.Helper()
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
}

// run runs the tool to its end and returns what it prints.
func (n *node) run(r release, args ...string) string {
	n.t.Helper()
	out, err := n.command(r, "ringcast", args...).Output()
	if err != nil {
		n.t.Fatalf("%s of %s: %v\n%s", args[0], r.name, err, out)
	}
	return string(out)
}

// await runs the tool again and again until what it prints will do.
func (n *node) await(r release, will func(printed string) bool, args ...string) {
	n.t.Helper()
	var last string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		cmd := n.command(r, "ringcast", args...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err == nil && will(string(out)) {
			return
		}
		last = string(out) + errs.String()
	}
	n.t.Fatalf("%v of %s: %s", args, r.name, last)
}

// A subscriber is one that runs.
type subscriber struct {
	who string
	cmd *exec.Cmd
	out *bytes.Buffer
}

// subscribe starts a subscriber that ends after so many messages.
func (n *node) subscribe(r release, topic, count string) *subscriber {
	n.t.Helper()
	s := &subscriber{who: r.name, out: &bytes.Buffer{}}
	s.cmd = n.command(r, "ringcast", "sub", topic, "--count", count, "--sha256", "--json", "--output", "/dev/null")
	s.cmd.Stdout = s.out
	n.start(s.cmd)
	return s
}

// sum finds the SHA-256 in a summary.
func sum(t *testing.T, summary []byte) string {
	t.Helper()
	var s struct {
		SHA256 string `json:"sha256"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(summary), &s); err != nil || s.SHA256 == "" {
		t.Fatalf("summary without a sum: %v: %q", err, summary)
	}
	return s.SHA256
}

// check waits for a subscriber and compares what it got with what was published.
func (s *subscriber) check(t *testing.T, from, want string) {
	t.Helper()
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("%s to %s: %v: %s", from, s.who, err, s.out)
	}
	if got := sum(t, s.out.Bytes()); got != want {
		t.Errorf("%s to %s: SHA-256 %s, published %s", from, s.who, got, want)
	}
}
