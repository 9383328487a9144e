package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringcast/ringcast/internal/forward"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
)

// nodeDir makes a directory for a node, and a domain that no other test has.
func nodeDir(t *testing.T) (dir, domain string) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir, strings.ReplaceAll(filepath.Base(dir), "ringcast-", "")
}

// call runs the command until it ends or the time is over.
func call(d time.Duration, args ...string) (code int, stdout, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	var out, errs lockedBuffer
	code = run(ctx, args, &out, &errs)
	return code, out.String(), errs.String()
}

// A lockedBuffer takes what several goroutines print.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestExitCodes(t *testing.T) {
	dir, domain := nodeDir(t)
	other, _ := nodeDir(t)
	if _, err := shm.OpenDomain(&shm.Config{Base: other, Domain: domain, Node: 7}); err != nil {
		t.Fatal(err)
	}
	good := []string{"--shm-dir", dir, "--domain", domain, "--interface", "lo"}
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
		help bool // the arguments' form is wrong, not what they say
	}{
		{"stopped", good, exitOK, "node", false},
		{"seeds", append([]string{"--seed", "127.0.0.9,127.0.0.8:29185"}, good...), exitOK, "node", false},
		{"help", []string{"--help"}, exitOK, "", false},
		{"version", []string{"--version"}, exitOK, "", false},
		{"explained", append([]string{"--explain"}, good...), exitOK, "", false},
		{"an argument", append([]string{"orders"}, good...), exitUsage, "orders", true},
		{"unknown flag", []string{"--loss", "1"}, exitUsage, "--loss", true},
		{"no such interface", []string{"--shm-dir", dir, "--domain", domain, "--interface", "nosuch0"}, exitUsage, "nosuch0", false},
		{"an MTU that can't be, to explain", []string{"--explain", "--interface", "lo", "--mtu", "65508"}, exitUsage, "65508", false},
		{"no such interface to explain", []string{"--explain", "--interface", "nosuch0"}, exitUsage, "nosuch0", false},
		{"name of no domain", []string{"--shm-dir", dir, "--domain", "a/b", "--interface", "lo"}, exitUsage, "a/b", false},
		{"unknown fault", append([]string{"--fault", "loss=2"}, good...), exitUsage, "loss", false},
		{"a long linger", append([]string{"--linger", "1ms"}, good...), exitUsage, "50", false},
		{"unknown compression", append([]string{"--compress", "zip"}, good...), exitUsage, "zip", false},
		{"seed without sense", append([]string{"--seed", "east"}, good...), exitUsage, "--seed", false},
		{"limits", append([]string{"--limit", "requests=5/7,hello=9/9"}, good...), exitOK, "node", false},
		{"nothing to one node alone", append([]string{"--no-directed"}, good...), exitOK, "node", false},
		{"no limits", append([]string{"--limit", "off"}, good...), exitOK, "node", false},
		{"unknown limit", append([]string{"--limit", "bytes=1/1"}, good...), exitUsage, "requests", false},
		{"half a limit", append([]string{"--limit", "requests=5"}, good...), exitUsage, "BURST", false},
		{"limit of nothing", append([]string{"--limit", "requests=0/0"}, good...), exitUsage, "above 0", false},
		{"MTU of nobody", append([]string{"--mtu", "3"}, good...), exitUsage, "MTU", false},
		{"window too small", append([]string{"--window", "1"}, good...), exitUsage, "window", false},
		{"negative rate", append([]string{"--rate", "-1"}, good...), exitUsage, "rate", false},
		{"no rate", append([]string{"--rate", "NaN"}, good...), exitUsage, "rate", false},
		{"an uplink of no size", append([]string{"--uplink-slots", "5"}, good...), exitUsage, "power of two", false},
		{"a time before now", append([]string{"--report", "-1s"}, good...), exitUsage, "--report", false},
		{"a number with a sign", []string{"--node", "-1"}, exitUsage, "want a whole number from 0", true},
		{"another node's directory", []string{"--shm-dir", other, "--domain", domain, "--interface", "lo", "--node", "8"}, exitUsage, "8", false},
		{"no rights", []string{"--shm-dir", "/sys/ringcast", "--interface", "lo"}, exitAccess, "--shm-dir", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := call(50*time.Millisecond, test.args...)
			if code != test.code || !strings.Contains(stdout+stderr, test.says) {
				t.Errorf("exit code %d, want %d; it says %q, want %q in it\n%s", code, test.code, stderr, test.says, stdout)
			}
			if test.help && !strings.Contains(stderr, "--help") {
				t.Errorf("wrong arguments without a word of --help: %q", stderr)
			}
		})
	}
}

// TestNoRoomForWords: what was asked for and could not be written is an error, and not of the arguments.
func TestNoRoomForWords(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	for _, word := range []string{"--help", "--version", "--explain"} {
		var errs bytes.Buffer
		code := run(t.Context(), []string{word, "--interface", "lo"}, full, &errs)
		if code != exitFailed || !strings.HasSuffix(errs.String(), "no space left on device\n") {
			t.Errorf("%s to a full disk: exit code %d, %q", word, code, errs.String())
		}
	}
}

// TestExplainedAsJSON is one object.
func TestExplainedAsJSON(t *testing.T) {
	code, stdout, stderr := call(time.Second, "--explain", "--json", "--interface", "lo")
	var e udp.Explanation
	if err := json.Unmarshal([]byte(stdout), &e); code != exitOK || err != nil || e.Interface != "lo" || !e.Group.IsValid() || e.Datagram == 0 {
		t.Errorf("exit code %d, %v: %q, %q", code, err, stdout, stderr)
	}
}

// TestSecondForwarder runs two on one directory.
func TestSecondForwarder(t *testing.T) {
	dir, domain := nodeDir(t)
	f, err := forward.New(forward.Config{Domain: shm.Config{Base: dir, Domain: domain}, Net: netOn("lo")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	code, _, stderr := call(time.Second, "--shm-dir", dir, "--domain", domain, "--interface", "lo")
	if code != exitRunning || !strings.Contains(stderr, fmt.Sprint(os.Getpid())) || !strings.Contains(stderr, "--domain") {
		t.Errorf("exit code %d, %q; want %d and the process that runs", code, stderr, exitRunning)
	}
}

// TestFiguresAsJSON stops a forwarder after some reports.
func TestFiguresAsJSON(t *testing.T) {
	dir, domain := nodeDir(t)
	code, stdout, stderr := call(time.Second, "--shm-dir", dir, "--domain", domain, "--interface", "lo", "--json", "--quiet", "--report", "50ms")
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) < 3 {
		t.Fatalf("%d reports: %q", len(lines), stdout)
	}
	for _, line := range lines {
		var m map[string]uint64
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if _, ok := m["forward.sent"]; !ok || m["mcast.control_sent"] == 0 {
			t.Errorf("report without its figures: %q", line)
		}
	}
}

func netOn(name string) udp.Config { return udp.Config{Interface: name} }
