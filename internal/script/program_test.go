package script

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// holderVariable makes the test's binary a process that runs a program until it is killed.
const holderVariable = "RINGCAST_TEST_SCRIPT_HOLDER"

func TestMain(m *testing.M) {
	if pids := os.Getenv(holderVariable); pids != "" {
		_, err := shell("echo $$ > "+pids+"; exec sleep 600", nil).Run(context.Background(), &Call{})
		fmt.Fprintln(os.Stderr, "the program has ended:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// shell is a program that runs a command.
func shell(command string, more *Program) *Program {
	p := &Program{}
	if more != nil {
		*p = *more
	}
	p.Path, p.Args = "/bin/sh", []string{"-c", command, "sh"}
	return p
}

// patient bounds a test that waits for other processes.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// state is the state of a process as the kernel shows it, and whether there is one.
func state(pid string) (letter string, parent int, there bool) {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return "", 0, false
	}
	f := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	parent, _ = strconv.Atoi(f[1])
	return f[0], parent, true
}

// gone reports whether the process whose number stands in a file runs no more.
func gone(file string) func() bool {
	return func() bool {
		pid, err := os.ReadFile(file)
		letter, _, there := state(strings.TrimSpace(string(pid)))
		return err == nil && (!there || letter == "Z" || letter == "X")
	}
}

// noneLeft checks that no child and no file of a run is left.
func noneLeft(t *testing.T, files int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if letter, parent, there := state(e.Name()); there && parent == os.Getpid() {
			t.Errorf("process %s is left, in state %s", e.Name(), letter)
		}
	}
	eventually(t, "files are left open", func() bool { return openFiles(t) <= files })
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// TestArgumentsAreNoCommands: what a caller sends is never looked at by a shell.
func TestArgumentsAreNoCommands(t *testing.T) {
	args := []string{"$(touch x)", "; ls", "", "`id`", "a\nb", "\xff\xfe", "-n", "'\"*?"}
	p := &Program{Path: "printf", Args: []string{"[%s]"}}
	if err := p.Find(); err != nil {
		t.Fatal(err)
	}
	r, err := p.Run(patient(t), &Call{Args: args})
	want := "[" + strings.Join(args, "][") + "]"
	if err != nil || string(r.Stdout) != want || r.Code != 0 {
		t.Errorf("%+v, %v, want %q", r, err, want)
	}
	if _, err := p.Run(patient(t), &Call{Args: []string{"ok", "a\x00b"}}); !errors.Is(err, ErrNotRun) || !strings.Contains(err.Error(), "field 2") {
		t.Errorf("a zero byte in an argument: %v", err)
	}
	if _, err := p.Run(patient(t), &Call{Args: []string{strings.Repeat("x", 1<<20)}}); !errors.Is(err, ErrNotRun) {
		t.Errorf("an argument of 1 MiB: %v", err)
	}
	if err := (&Program{Path: "/nothing/here"}).Find(); !errors.Is(err, ErrNotRun) {
		t.Errorf("no such program: %v", err)
	}
}

// TestResults: exit codes, signals, both outputs, the environment.
func TestResults(t *testing.T) {
	for _, c := range []struct {
		command, out, errs string
		code               int
		program            Program
	}{
		{"echo out; echo err >&2; exit 7", "out\n", "err\n", 7, Program{}},
		{"echo out; echo err >&2", "out\nerr\n", "", 0, Program{Merge: true}},
		{"echo out; echo err >&2", "", "err\n", 0, Program{Mute: true}},
		{"echo out; echo err >&2; exit 3", "", "", 3, Program{Mute: true, Merge: true}},
		{"kill -9 $$", "", "", 137, Program{}},
		{"echo $A.$B.$PATH", "1.2.\n", "", 0, Program{Env: []string{"A=1", "PATH="}}},
		{"exec >&- 2>&-; sleep 0.05; exit 5", "", "", 5, Program{}},
		{"head -c 3000 /dev/zero | tr '\\0' x >&2; printf %s " + strings.Repeat("y", 1024), strings.Repeat("y", 1024), strings.Repeat("x", 1024), 0, Program{Output: 1024}},
	} {
		r, err := shell(c.command, &c.program).Run(patient(t), &Call{Env: []string{"B=2"}})
		if err != nil || string(r.Stdout) != c.out || string(r.Stderr) != c.errs || r.Code != c.code {
			t.Errorf("%q: %+v, %v", c.command, r, err)
		}
	}
}

// TestInput: any amount goes through, also where nobody reads it.
func TestInput(t *testing.T) {
	files := openFiles(t)
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB: much more than a pipe holds
	r, err := shell("cat", nil).Run(patient(t), &Call{Stdin: large})
	if err != nil || !bytes.Equal(r.Stdout, large) {
		t.Errorf("%d bytes came through, %v", len(r.Stdout), err)
	}
	for _, command := range []string{"echo no", "exec <&-; echo no", "read x; echo no"} {
		r, err = shell(command, nil).Run(patient(t), &Call{Stdin: large})
		if err != nil || string(r.Stdout) != "no\n" {
			t.Errorf("%q: %+v, %v", command, r, err)
		}
	}
	r, err = shell("wc -c >&2", &Program{Mute: true}).Run(patient(t), &Call{Stdin: large})
	if err != nil || strings.TrimSpace(string(r.Stderr)) != "1048576" {
		t.Errorf("a mute program's input: %q, %v", r.Stderr, err)
	}
	noneLeft(t, files)
}

// TestBounds: a run whose time is over, whom nobody wants any more, or who writes too much
// goes with all that it has started.
func TestBounds(t *testing.T) {
	files := openFiles(t)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	pids := t.TempDir()
	for name, c := range map[string]struct {
		command string
		program Program
		want    error
	}{
		"timeout":   {":", Program{Timeout: 300 * time.Millisecond}, ErrTimeout},
		"output":    {"cat /dev/zero", Program{Output: 1000}, ErrOutput},
		"canceled":  {"echo > " + pids + "/cancel", Program{}, context.Canceled},
		"obstinate": {"trap '' TERM", Program{Timeout: 300 * time.Millisecond, Grace: time.Millisecond}, ErrTimeout},
	} {
		if name == "canceled" {
			go func() {
				for range 6000 {
					if _, err := os.Stat(pids + "/cancel"); err == nil {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				cancel()
			}()
		}
		pid := filepath.Join(pids, name)
		command := "(trap '' TERM; sleep 600) & echo $! > " + pid + "; " + c.command + "; while :; do sleep 1; done"
		of := ctx
		if name != "canceled" {
			of = patient(t)
		}
		r, err := shell(command, &c.program).Run(of, &Call{})
		if r != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v, want %v", name, r, err, c.want)
		}
		if _, err := os.Stat(pid); err == nil { // it may have been killed before it came so far
			eventually(t, name+": a process of the group goes on", gone(pid))
		}
	}
	noneLeft(t, files)
}

// TestGrace: a program that is asked to end may tidy up.
func TestGrace(t *testing.T) {
	dir := t.TempDir()
	p := shell("trap 'echo tidy > "+dir+"/tidy; exit' TERM; echo ready; while :; do sleep 0.01; done", &Program{Grace: time.Minute})
	enough := errors.New("enough")
	_, err := p.Run(patient(t), &Call{Line: func([]byte) error { return enough }})
	if !errors.Is(err, enough) {
		t.Error(err)
	}
	if _, err := os.Stat(dir + "/tidy"); err != nil {
		t.Error("it was not let tidy up:", err)
	}
}

// TestLines: each comes as it is written, before the next, and the last without a newline, too.
func TestLines(t *testing.T) {
	dir := t.TempDir()
	command := `for i in 1 2 3; do echo line $i; while [ ! -e ` + dir + `/$i ]; do sleep 0.01; done; done; echo; printf end; exit 4`
	var lines []string
	r, err := shell(command, nil).Run(patient(t), &Call{Line: func(line []byte) error {
		lines = append(lines, string(line))
		return os.WriteFile(filepath.Join(dir, strconv.Itoa(len(lines))), nil, 0o600) // it waits for this
	}})
	if want := "[line 1 line 2 line 3  end]"; err != nil || fmt.Sprint(lines) != want || r.Code != 4 || r.Stdout != nil {
		t.Errorf("%v, %+v, %v, want %v", lines, r, err, want)
	}
	n := 0
	_, err = shell("yes | head -n 100000", &Program{Output: 10}).Run(patient(t), &Call{Line: func([]byte) error { n++; return nil }})
	if err != nil || n != 100000 {
		t.Errorf("%d lines, %v, where each is short", n, err)
	}
	_, err = shell("echo 12345678901", &Program{Output: 10}).Run(patient(t), &Call{Line: func([]byte) error { return nil }})
	if !errors.Is(err, ErrOutput) {
		t.Errorf("a line that is too long: %v", err)
	}
}

// TestWhatIsLeftBehind: a process that stays in the group is killed; one that has left it
// goes on, and neither holds the answer up nor costs any of it.
func TestWhatIsLeftBehind(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Fatal("this test needs setsid of util-linux:", err)
	}
	files := openFiles(t)
	dir := t.TempDir()
	r, err := shell("sleep 600 & echo $! > "+dir+"/in; echo out", nil).Run(patient(t), &Call{})
	if err != nil || string(r.Stdout) != "out\n" {
		t.Errorf("%+v, %v", r, err)
	}
	eventually(t, "a process of the group goes on", gone(dir+"/in"))
	command := "setsid sh -c 'echo $$ > " + dir + "/out; exec sleep 600' & while [ ! -s " + dir + "/out ]; do sleep 0.01; done; head -c 50000 /dev/zero"
	r, err = shell(command, nil).Run(patient(t), &Call{})
	pid, _ := os.ReadFile(dir + "/out")
	defer func() { _ = exec.Command("kill", strings.TrimSpace(string(pid))).Run() }()
	if err != nil || len(r.Stdout) != 50000 {
		t.Errorf("%d bytes, %v", len(r.Stdout), err)
	}
	if gone(dir + "/out")() {
		t.Error("a process that has left the group was killed")
	}
	noneLeft(t, files)
}

// TestManyAtOnce: runs don't see each other's files or output.
func TestManyAtOnce(t *testing.T) {
	files := openFiles(t)
	ctx := patient(t)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			want := strings.Repeat(strconv.Itoa(i)+"\n", 5000)
			for range 3 {
				r, err := shell("cat", nil).Run(ctx, &Call{Stdin: []byte(want)})
				if err != nil || string(r.Stdout) != want || len(r.Stderr) > 0 {
					t.Errorf("run %d: %d bytes, %v", i, len(r.Stdout), err)
				}
			}
		})
	}
	all.Wait()
	noneLeft(t, files)
}

// TestDiesWithUs: where this process is killed its program is not left running.
func TestDiesWithUs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), holderVariable+"="+file)
	said, err := holder.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the program does not start", func() bool {
		pid, err := os.ReadFile(file)
		return err == nil && bytes.HasSuffix(pid, []byte("\n"))
	})
	time.Sleep(50 * time.Millisecond) // it would end by now where a thread's end took it along
	if gone(file)() {
		line, _ := bufio.NewReader(said).ReadString('\n')
		t.Fatalf("the program has ended by itself: %s", line)
	}
	_ = holder.Process.Kill()
	_ = holder.Wait()
	eventually(t, "the program goes on", gone(file))
}
