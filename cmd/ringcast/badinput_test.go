package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
	"golang.org/x/sys/unix"
)

// A refusal is what a call of the tool must answer.
type refusal struct {
	name  string
	stdin string
	args  []string
	code  int
	says  []string
}

func (r *refusal) check(t *testing.T) {
	t.Helper()
	begin := time.Now()
	code, out, errs := call(t, r.stdin, r.args...)
	if code != r.code {
		t.Errorf("%s: exit code %d, want %d: %s%s", r.name, code, r.code, out, errs)
	}
	for _, want := range r.says {
		if !strings.Contains(errs, want) {
			t.Errorf("%s: %q does not say %q", r.name, errs, want)
		}
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("%s: the answer took %v", r.name, took)
	}
}

// TestNoRoomForWords: help and versions that could not be written are errors, and not of the arguments.
func TestNoRoomForWords(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	for _, args := range [][]string{{}, {"help"}, {"help", "pub"}, {"pub", "--help"}, {"--version"}, {"version"}} {
		var errs bytes.Buffer
		if code := run(t.Context(), args, nil, full, &errs); code != exitFailed || !strings.HasSuffix(errs.String(), "no space left on device\n") {
			t.Errorf("%q to a full disk: exit code %d, %q", args, code, errs.String())
		}
	}
}

func TestWrongArguments(t *testing.T) {
	dir := t.TempDir()
	for _, r := range []refusal{
		{"no command", "", []string{"publish"}, exitUsage, []string{"unknown command", "Did you mean", "\tpub", "ringcast --help"}},
		{"no topic", "", []string{"pub"}, exitUsage, []string{"pub TOPIC: an argument is missing", "ringcast pub --help"}},
		{"two topics", "", []string{"sub", "a", "b"}, exitUsage, []string{`sub TOPIC|PATTERN: "b" is one argument too many`, "quote", "ringcast sub --help"}},
		{"a flag's value", "", []string{"sub", "x", "--count", "many"}, exitUsage, []string{"--count", "ringcast sub --help"}},
		{"unknown flag", "", []string{"sub", "x", "--fast"}, exitUsage, []string{"unknown flag: --fast"}},
		{"a number with a sign", "", []string{"sub", "x", "--count", "-1"}, exitUsage, []string{`"-1" for "--count" flag: want a whole number from 0`}},
		{"a time without a unit", "", []string{"sub", "x", "--timeout", "5"}, exitUsage, []string{"want a number with a unit, as 500ms"}},
		{"help for what is not there", "", []string{"help", "publish"}, exitUsage, []string{"unknown command", "Did you mean", "\tpub"}},
		{"help for a part that is not there", "", []string{"help", "bench", "sideways"}, exitUsage, []string{`no command "sideways" of ringcast bench`}},
		{"help for an argument", "", []string{"help", "pub", "orders"}, exitUsage, []string{`no command "orders" of ringcast pub`}},
		{"an argument where there is none", "", []string{"ls", "orders"}, exitUsage, []string{`ls: "orders" is an argument too many`, "ringcast ls --help"}},
		{"a negative size", "", []string{"pub", "x", "--size", "-2", "--count", "2"}, exitUsage, []string{"--size -2: want 0 or more"}},
		{"no rate", "", []string{"pub", "x", "--rate", "NaN"}, exitUsage, []string{"--rate NaN: want 0 or more"}},
		{"whom to wait for", "", []string{"pub", "x", "--timeout", "1s"}, exitUsage, []string{"--wait-subscribers"}},
		{"a large mode", "", []string{"pub", "x", "--mode", "77777777"}, exitUsage, []string{"three octal digits"}},
		{"a letter of no name", "", []string{"sub", "ä", "--shm-dir", dir}, exitUsage, []string{"the character 'ä'"}},
		{"a group of a pattern", "", []string{"sub", "a.*", "--queue-group", "g", "--shm-dir", dir}, exitUsage, []string{"a group is one topic's"}},
		{"a history from nowhere", "", []string{"sub", "x", "--last", "-1", "--shm-dir", dir}, exitUsage, []string{"want 0 or more"}},
		{"a reply of no size", "", []string{"call", "x", "y", "--max-reply", "-1", "--shm-dir", dir}, exitUsage, []string{"want 0 to"}},
		{"no such node", "", []string{"call", "n1-1.1.1", "y", "--shm-dir", dir}, exitFailed, []string{"n1-1.1.1: no way to the node", "ringcastd", "ringcast nodes"}},
		{"size without count", "", []string{"pub", "x", "--size", "5"}, exitUsage, []string{"--count"}},
		{"size with a file", "", []string{"pub", "x", "--size", "5", "--file", "f"}, exitUsage, []string{"--file"}},
		{"standard input again", "", []string{"pub", "x", "--repeat", "2"}, exitUsage, []string{"--file"}},
		{"two forms", "", []string{"sub", "x", "--raw", "--binary"}, exitUsage, []string{"choose one"}},
		{"publishing to a pattern", "", []string{"pub", "a.*", "--shm-dir", dir}, exitUsage, []string{"a.*", "patterns, which sub and watch take"}},
		{"an empty token", "", []string{"sub", "a..b", "--shm-dir", dir}, exitUsage, []string{"empty token"}},
		{"no file", "", []string{"pub", "x", "--shm-dir", dir, "--file", dir + "/none"}, exitFailed, []string{"none: no such file"}},
		{"slots", "", []string{"pub", "x", "--shm-dir", dir, "--slots", "100"}, exitUsage, []string{"power of two"}},
		{"cut off binary", "\x05\x00\x00\x00ab", []string{"pub", "x", "--shm-dir", dir, "--binary"}, exitFailed, []string{"ends within a message of 5 bytes"}},
		{"not binary", "hello world", []string{"pub", "x", "--shm-dir", dir, "--binary"}, exitFailed, []string{"length-prefixed"}},
	} {
		r.check(t)
	}
}

func TestUnknownDomain(t *testing.T) {
	dir := t.TempDir()
	for _, domain := range []string{"plant", "office"} {
		if code, _, errs := call(t, "", "pub", "x", "--shm-dir", dir, "--domain", domain); code != exitOK {
			t.Fatalf("exit code %d: %s", code, errs)
		}
	}
	(&refusal{"ls", "", []string{"ls", "--shm-dir", dir, "--domain", "plnat"}, exitFailed,
		[]string{`"plnat"`, "no such domain", "office, plant"}}).check(t)
	(&refusal{"ls without any", "", []string{"ls", "--shm-dir", dir + "/none"}, exitFailed, []string{"no such domain", "none"}}).check(t)
}

// TestUnwritableDirectory runs as somebody who has no rights there.
func TestUnwritableDirectory(t *testing.T) {
	base, err := os.MkdirTemp("", "ringcast-rights-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(base)
	closed := filepath.Join(base, "closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "sub", "x", "--shm-dir", closed)
	if os.Geteuid() == 0 { // whom nothing stops: be nobody, from where he may go
		if err := os.Chmod(base, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.Path = filepath.Join(base, "tool")
		copyFile(t, os.Args[0], cmd.Path)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	var errs bytes.Buffer
	cmd.Env, cmd.Stderr = append(os.Environ(), toolVariable+"=1"), &errs
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{closed, "permission denied", "--shm-dir", "RINGCAST_SHM_DIR"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("%q does not say %q", errs.String(), want)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	copyFile(t, "/dev/null", file)
	(&refusal{"a file for a directory", "", []string{"sub", "x", "--shm-dir", file}, exitFailed, []string{file, "not a directory"}}).check(t)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestFullMemory asks for a ring larger than the whole file system: an error at
// once, that says what to do, and nothing is left.
func TestFullMemory(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	const size = 16 << 20
	slots := 64
	for uint64(slots)*size <= st.Blocks*uint64(st.Bsize) {
		slots *= 2
	}
	code, says := exitFailed, []string{"no space", "need", "free", "--shm-dir"}
	if slots*size >= 64<<30 { // more than one ring may have
		code, says = exitUsage, []string{"more than the limit"}
	}
	(&refusal{"full", "", []string{"pub", "x", "--shm-dir", dir, "--slots", fmt.Sprint(slots), "--slot-size", fmt.Sprint(size)}, code, says}).check(t)
	if left, _ := os.ReadDir(filepath.Join(dir, "default", "topics")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
	if code, _, errs := call(t, "x\n", "pub", "x", "--shm-dir", dir); code != exitOK {
		t.Errorf("a ring that fits: exit code %d: %s", code, errs)
	}
}

// inUse makes a topic that was written and stays: a bus of this process uses it.
func inUse(t *testing.T, dir, topic string) {
	t.Helper()
	b, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	p, err := b.Publisher(topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func TestWrongShape(t *testing.T) {
	dir := t.TempDir()
	inUse(t, dir, "orders")
	(&refusal{"slots", "", []string{"pub", "orders", "--shm-dir", dir, "--slots", "64", "--latest"}, exitFailed,
		[]string{`"orders"`, "1024 slots of 2048 bytes, reliable, shared", "64", "latest", "Leave --slots"}}).check(t)
	(&refusal{"exclusive", "", []string{"pub", "orders", "--shm-dir", dir, "--exclusive"}, exitFailed, []string{"exclusive", "Leave"}}).check(t)
}

// TestTooLargeMessage says which flags to pass; with them it goes.
func TestTooLargeMessage(t *testing.T) {
	dir := t.TempDir()
	line := strings.Repeat("x", 3<<20) + "\n"
	(&refusal{"line", line, []string{"pub", "long", "--shm-dir", dir}, exitFailed,
		[]string{"3145728 bytes", "--slots 4096 --slot-size 2048"}}).check(t)
	if code, _, errs := call(t, line, "pub", "long", "--shm-dir", dir, "--slots", "4096", "--slot-size", "2048"); code != exitOK {
		t.Errorf("with the flags it asked for: exit code %d: %s", code, errs)
	}
	(&refusal{"beyond all", strings.Repeat("x", 17<<20), []string{"pub", "long", "--shm-dir", dir}, exitFailed,
		[]string{"no message may be larger"}}).check(t)
}

// TestForeignSegments: of another version, scribbled over, cut off, not ours.
// Each is named, and a topic of that kind leaves the others alone.
func TestForeignSegments(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(b []byte) []byte
		says  string
	}{
		{"other major version", func(b []byte) []byte { b[8]++; return b }, "other version"},
		{"scribbled header", func(b []byte) []byte { b[33] ^= 0x55; return b }, "damaged"},
		{"scribbled geometry", func(b []byte) []byte { b[130] ^= 0x55; return b }, "damaged"},
		{"truncated", func(b []byte) []byte { return b[:len(b)/2] }, "damaged"},
		{"cut off in the header", func(b []byte) []byte { return b[:100] }, "damaged"},
		{"empty", func([]byte) []byte { return nil }, "not ours"},
		{"a stranger's", func(b []byte) []byte { return bytes.Repeat([]byte("stranger"), 100) }, "not ours"},
	} {
		dir := t.TempDir()
		inUse(t, dir, "sound")
		inUse(t, dir, "spoilt")
		path := filepath.Join(dir, "default", "topics", "spoilt.ctl")
		spoil(t, path, c.spoil)
		for _, command := range []string{"pub", "sub"} {
			(&refusal{c.name, "", []string{command, "spoilt", "--shm-dir", dir}, exitFailed, []string{c.says, path}}).check(t)
		}
		if code, out, errs := call(t, "", "ls", "--shm-dir", dir); code != exitOK || !strings.Contains(out, "sound") || !strings.Contains(out, "spoilt") {
			t.Errorf("%s: ls: exit code %d: %s%s", c.name, code, out, errs)
		}
		if code, _, errs := call(t, "y\n", "pub", "sound", "--shm-dir", dir); code != exitOK {
			t.Errorf("%s: the other topic: exit code %d: %s", c.name, code, errs)
		}
		if strings.Contains(c.name, "geometry") {
			continue // of a ring; the node has another
		}
		node := filepath.Join(t.TempDir(), "default")
		copyTree(t, filepath.Join(dir, "default"), node)
		spoil(t, filepath.Join(node, "node"), c.spoil)
		(&refusal{c.name + ", node", "", []string{"sub", "x", "--shm-dir", filepath.Dir(node)}, exitFailed,
			[]string{c.says, filepath.Join(node, "node")}}).check(t)
	}
}

// spoil puts a changed copy into a file's place: what is mapped stays as it is.
func spoil(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", change(b), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// copyTree copies the files of a domain, without its topics.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"node", "participants", "directory"} {
		copyFile(t, filepath.Join(from, name), filepath.Join(to, name))
	}
}
