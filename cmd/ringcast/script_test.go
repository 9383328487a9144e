package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// A scriptService is `ringcast script` under the name s.
type scriptService struct {
	t    *testing.T
	dir  string
	said *told
	bus  *ringcast.Bus // who asks
	stop context.CancelFunc
	code chan int
	cmd  *exec.Cmd // nil: it runs in this process
}

// told is what a service has written to its standard error. It is safe for concurrent use.
type told struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *told) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(b)
}

func (w *told) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// serveScript starts one with these flags and arguments in this process, and waits until it serves.
func serveScript(t *testing.T, args ...string) *scriptService {
	t.Helper()
	s := &scriptService{t: t, dir: t.TempDir()}
	return s.another(args...)
}

// another starts one more in this process, under the same name in the same place.
func (s *scriptService) another(args ...string) *scriptService {
	s.t.Helper()
	have := s.instances()
	o := &scriptService{t: s.t, dir: s.dir, said: &told{}, code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(s.t.Context())
	o.stop = cancel
	go func() { o.code <- run(ctx, o.command(args), nil, o.said, o.said) }()
	o.await(have + 1)
	return o
}

// startScript starts one as a process of its own.
func startScript(t *testing.T, args ...string) *scriptService {
	t.Helper()
	s := &scriptService{t: t, dir: t.TempDir(), said: &told{}, code: make(chan int, 1)}
	s.cmd = exec.Command(os.Args[0], s.command(args)...)
	s.cmd.Env = append(os.Environ(), toolVariable+"=1")
	s.cmd.Stderr = s.said
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.stop = func() { _ = s.cmd.Process.Signal(syscall.SIGTERM) }
	go func() {
		_ = s.cmd.Wait()
		s.code <- s.cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	s.await(1)
	return s
}

func (s *scriptService) command(args []string) []string {
	return append([]string{"--shm-dir", s.dir, "script", "-n", "s"}, args...)
}

// await returns when so many serve.
func (s *scriptService) await(n int) {
	s.t.Helper()
	until(s.t, "the script does not serve", func() bool {
		select {
		case code := <-s.code:
			s.t.Fatalf("exit code %d: %s", code, s.said)
		default:
		}
		return s.instances() >= n
	})
	bus, err := ringcast.Open(s.t.Context(), &ringcast.Config{Dir: s.dir, InboxSlotSize: 8192})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = bus.Close() })
	s.bus = bus
}

// instances is how many are told of.
func (s *scriptService) instances() (n int) {
	list, err := ringcast.Inspect(&ringcast.Config{Dir: s.dir})
	if err != nil {
		return 0
	}
	for _, p := range list.Participants {
		n += len(p.Info.Services)
	}
	return n
}

// end has it end, and wants a clean one.
func (s *scriptService) end() {
	s.t.Helper()
	s.stop()
	if code := <-s.code; code != exitOK {
		s.t.Errorf("exit code %d: %s", code, s.said)
	}
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// fields are a request's, in memory of their own.
func fields(list ...string) []byte {
	var b []byte
	for _, f := range list {
		b = ringcast.AppendFields(b, []byte(f))
	}
	return b
}

// ask sends fields, and returns those of the reply.
func (s *scriptService) ask(list ...string) (got []string, err error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	c, err := s.bus.Client("s", &ringcast.ClientConfig{Marks: ringcast.Fielded})
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := c.Request(ctx, fields(list...))
	if err != nil {
		return nil, err
	}
	parts, err := r.Fields()
	for _, p := range parts {
		got = append(got, string(p))
	}
	return got, err
}

// TestScriptOptions: each of waha-service-script's options, and those that mend it.
func TestScriptOptions(t *testing.T) {
	say := `printf 'out[%s]' "$@"; echo err >&2; exit 3`
	for _, c := range []struct {
		name string
		args []string
		ask  []string
		want string // as %q of the fields, or of the error
	}{
		{"the default is echo", nil, []string{"a", "b"}, `["a b\n"]`},
		{"predefined arguments come first", []string{"x", "-y"}, []string{"a", "", "b"}, `["x -y a  b\n"]`},
		{"no field", []string{"x"}, nil, `["x\n"]`},
		{"empty fields dropped", []string{"--drop-empty", "x"}, []string{"", "a", ""}, `["x a\n"]`},
		{"code", []string{"-r", "-s", "/bin/sh", "--", "-c", say, "sh"}, []string{"a"}, `["out[a]" "3"]`},
		{"code, long", []string{"--ret-code", "--script", "/bin/sh", "--", "-c", say, "sh"}, []string{"a"}, `["out[a]" "3"]`},
		{"no code: an error", []string{"-s", "/bin/sh", "--", "-c", say, "sh"}, []string{"a"}, `"err (code 3)"`},
		{"stderr", []string{"-r", "-e", "-s", "/bin/sh", "--", "-c", say, "sh"}, []string{"a"}, `["out[a]err\n" "3"]`},
		{"no stdout", []string{"-r", "--no-stdout", "-s", "/bin/sh", "--", "-c", say, "sh"}, nil, `["3"]`},
		{"no stdout, nor stderr", []string{"-r", "-e", "--no-stdout", "-s", "/bin/sh", "--", "-c", say, "sh"}, nil, `["3"]`},
		{"no stdout, no code", []string{"--no-stdout", "-s", "/bin/true"}, nil, `[]`},
		{"a signal", []string{"-s", "/bin/sh", "--", "-c", "kill -9 $$"}, nil, `"ended by signal 9 (code 137)"`},
		{"bytes", []string{"-s", "/usr/bin/printf", "%s"}, []string{"\xff\xfe\n$(id)`id`;"}, "[\"\\xff\\xfe\\n$(id)`id`;\"]"},
		{"input plain", []string{"--input", "plain", "-s", "/bin/cat"}, []string{"a\x00", "b"}, `["a\x00b"]`},
		{"input lines", []string{"--input", "lines", "-s", "/bin/cat"}, []string{"a", "", "b"}, `["a\n\nb\n"]`},
		{"input json", []string{"--input", "json", "-s", "/bin/cat"}, []string{"a", "", "\""}, `["[\"a\",\"\",\"\\\"\"]"]`},
		{"environment", []string{"--clean-env", "--env", "A=1", "--env", "B=x y", "-s", "/bin/sh", "--", "-c", "echo $A,$B,$HOME,$RINGCAST_SERVICE,$RINGCAST_FIELDS"}, []string{"a"}, `["1,x y,,s,1\n"]`},
		{"timeout", []string{"--timeout", "50ms", "-s", "/bin/sleep", "600"}, nil, `"time of the program is over after 50ms (code 124)"`},
		{"too much", []string{"--max-output", "100", "-s", "/bin/cat", "/dev/zero"}, nil, `"program writes more than is taken: at most 100 bytes"`},
		{"a zero byte", nil, []string{"a", "\x00"}, `"program can't be run: field 2 has a zero byte, which no argument can have: give the request to its standard input (code 126)"`},
		{"lines as fields", []string{"--lines", "-s", "/usr/bin/printf", `a\n\nb`}, nil, `["a" "" "b"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serveScript(t, c.args...)
			got, err := s.ask(c.ask...)
			text := fmt.Sprintf("%q", got)
			if err != nil {
				text = fmt.Sprintf("%q", err.Error())
			}
			if text != c.want {
				t.Errorf("%s, want %s", text, c.want)
			}
			s.end()
		})
	}
}

// TestScriptRefuses: what can't be served is said at once.
func TestScriptRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"", "SERVICE PROGRAM", exitUsage},
		{"s", "SERVICE PROGRAM", exitUsage},
		{"s /nothing/here", "no such file", exitFailed},
		{"s " + dir, "program can't be run", exitFailed},
		{"--input xml s cat", "want args, plain, lines or json", exitUsage},
		{"--env A s cat", "want NAME=VALUE", exitUsage},
		{"--timeout -1s s cat", "0 or more", exitUsage},
		{"s* cat", "invalid name", exitUsage},
	} {
		code, _, errs := call(t, "", append([]string{"--shm-dir", dir, "script"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%q: exit code %d, %s", c.args, code, errs)
		}
	}
}

// TestScriptVerbose: start, arguments, content and end of each run are told of, and a program's
// standard error arrives at the service's own.
func TestScriptVerbose(t *testing.T) {
	s := serveScript(t, "-v", "-s", "/bin/sh", "--", "-c", "echo complaint >&2; cat; echo out", "sh")
	if _, err := s.ask("one"); err != nil {
		t.Fatal(err)
	}
	s.end()
	for _, want := range []string{`run ["/bin/sh" "-c"`, `"sh" "one"]`, `exit code 0`, `"out\n"`, "complaint\n", "served 1 request\n"} {
		if !strings.Contains(s.said.String(), want) {
			t.Errorf("%q is not in %s", want, s.said.String())
		}
	}
}

// TestScriptStreams: each line is a reply as soon as it is written; the last reply has the code,
// or nothing. A caller that leaves has the program ended.
func TestScriptStreams(t *testing.T) {
	marks := t.TempDir()
	command := `for i in 1 2 3; do echo $i; while [ ! -e ` + marks + `/$i ]; do sleep 0.01; done; done; exit 2`
	s := serveScript(t, "-r", "--lines", "-s", "/bin/sh", "--", "-c", command)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var got []string
	for r, err := range s.bus.RequestStream(ctx, "s", nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(r.Payload()))
		if err := os.WriteFile(filepath.Join(marks, fmt.Sprint(len(got))), nil, 0o600); err != nil { // it waits for this
			t.Fatal(err)
		}
	}
	if want := []string{"1", "2", "3", string(fields("2"))}; fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("%q, want %q", got, want)
	}
	s.end()

	endless := serveScript(t, "--lines", "-s", "/bin/sh", "--", "-c", "echo $$ > "+marks+"/pid; exec yes")
	for _, err := range endless.bus.RequestStream(ctx, "s", nil) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	until(t, "the program goes on without a caller", func() bool { return ended(marks + "/pid") })
	endless.end()

	code, out, errs := call(t, "", "--shm-dir", serveScript(t, "--lines", "-s", "/usr/bin/printf", `a\n\nb`).dir, "call", "s", "--stream", "-i", "args")
	if code != exitOK || out != "a\n\nb\n" {
		t.Errorf("exit code %d, %q, %s", code, out, errs)
	}
}

// ended reports whether the process whose number stands in a file runs no more.
func ended(file string) bool {
	pid, err := os.ReadFile(file)
	if err != nil || !bytes.HasSuffix(pid, []byte("\n")) {
		return false
	}
	stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestScriptOverloaded: with all programs busy and the queue full, callers know at once; what
// was taken is answered, each with its own answer.
func TestScriptOverloaded(t *testing.T) {
	marks := t.TempDir()
	command := `echo > ` + marks + `/began$1; while [ ! -e ` + marks + `/go ]; do sleep 0.01; done; printf %s "$1"`
	s := serveScript(t, "--concurrency", "2", "--queue", "64", "-s", "/bin/sh", "--", "-c", command, "sh")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var taken []*ringcast.Future
	ask := func() error {
		f, err := s.bus.Go(ctx, "s", []byte(fmt.Sprint(len(taken))))
		if err == nil {
			taken = append(taken, f)
		}
		return err
	}
	for i := range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		until(t, "a program does not run", func() bool { _, err := os.Stat(fmt.Sprint(marks, "/began", i)); return err == nil })
	}
	var err error
	for err == nil && len(taken) < 100 {
		err = ask()
	}
	if waiting := len(taken) - 2; !errors.Is(err, ringcast.ErrOverloaded) || waiting < 62 || waiting > 64 {
		t.Errorf("%d wait, then %v: want a queue of 64, of which those that run may hold 2", waiting, err)
	}
	if code, _, errs := call(t, "", "--shm-dir", s.dir, "call", "s", "x"); code != exitOverloaded {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if err := os.WriteFile(marks+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, f := range taken {
		if r, err := f.Wait(ctx); err != nil || string(r.Payload()) != fmt.Sprint(i) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	s.end()
}

// TestScriptStops: the end waits for what runs and for what waits, and answers it.
func TestScriptStops(t *testing.T) {
	marks := t.TempDir()
	command := `echo > ` + marks + `/began; while [ ! -e ` + marks + `/go ]; do sleep 0.01; done; printf %s "$1"`
	s := startScript(t, "--concurrency", "1", "--drain", "2m", "-s", "/bin/sh", "--", "-c", command, "sh")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var taken []*ringcast.Future
	for i := range 3 {
		f, err := s.bus.Go(ctx, "s", []byte(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, f)
	}
	until(t, "the program does not run", func() bool { _, err := os.Stat(marks + "/began"); return err == nil })
	s.stop()
	until(t, "it is still called an instance", func() bool { return s.instances() == 0 })
	if err := os.WriteFile(marks+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i, f := range taken {
		if r, err := f.Wait(ctx); err != nil || string(r.Payload()) != fmt.Sprint(i) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	s.end()
}

// TestManySignals: who is told to end again and again, until it has, ends as it was told the first time.
func TestManySignals(t *testing.T) {
	s := startScript(t, "-s", "/bin/cat")
	for {
		s.stop()
		select {
		case code := <-s.code:
			if code != exitOK {
				t.Errorf("exit code %d: %s", code, s.said)
			}
			return
		case <-time.After(20 * time.Microsecond):
		}
	}
}

// TestScriptKilled: where the service is killed its callers know, and its program goes with it.
func TestScriptKilled(t *testing.T) {
	marks := t.TempDir()
	s := startScript(t, "-s", "/bin/sh", "--", "-c", "echo $$ > "+marks+"/pid; exec sleep 600")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	f, err := s.bus.Go(ctx, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the program does not run", func() bool {
		pid, err := os.ReadFile(marks + "/pid")
		return err == nil && bytes.HasSuffix(pid, []byte("\n"))
	})
	_ = s.cmd.Process.Kill()
	<-s.code
	if _, err := f.Wait(ctx); !errors.Is(err, ringcast.ErrInstanceDied) {
		t.Errorf("its caller: %v", err)
	}
	until(t, "the program goes on", func() bool { return ended(marks + "/pid") })
}
