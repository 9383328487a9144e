package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// TestCallAndServe: a command answers, in a process of its own.
func TestCallAndServe(t *testing.T) {
	dir := t.TempDir()
	s := start(t, nil, "--shm-dir", dir, "serve", "squares", "--exec", "read x; [ $x = no ] && { echo why not >&2; exit 7; }; echo $((x * x))", "--count", "5")
	awaitServing(t, dir, "squares")
	code, out, errs := call(t, "2\n3\n4\n", "--shm-dir", dir, "call", "squares")
	if code != exitOK || out != "4\n9\n16\n" {
		t.Fatalf("exit code %d, %q, %s", code, out, errs)
	}
	code, _, errs = call(t, "", "--shm-dir", dir, "call", "squares", "no")
	if code != exitFailed || !strings.Contains(errs, "why not (code 7)") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Error(err, s.errors.String())
	}
	code, _, errs = call(t, "", "--shm-dir", dir, "call", "squares", "1")
	if code != exitNobody || !strings.Contains(errs, "no instance") {
		t.Errorf("without an instance: exit code %d, %s", code, errs)
	}
}

// awaitServing waits until a service answers, by a request that counts.
func awaitServing(t *testing.T, dir, name string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		code, _, errs := call(t, "", "--shm-dir", dir, "call", name, "1")
		if code == exitOK {
			return
		}
		if time.Now().After(end) {
			t.Fatal(errs)
		}
	}
}

// TestInboxOfATool: its address is printed, takes messages, and answers.
func TestInboxOfATool(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := call(t, "", "--shm-dir", dir, "send", "nobody", "x")
	if code != exitNobody || !strings.Contains(errs, "no instance") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	code, _, errs = call(t, "", "--shm-dir", dir, "call", "n1-1.1.1", "x")
	if code != exitFailed || !strings.Contains(errs, "no way to the node") {
		t.Errorf("another node: exit code %d, %s", code, errs)
	}
	code, _, _ = call(t, "", "--shm-dir", dir, "call", "n1-1.1.1", "x", "--stream")
	if code != exitUsage {
		t.Errorf("a stream of an address: exit code %d", code)
	}
}

// TestServeEndsCommands: a caller that gives up has all processes of its command killed, and
// the next one is served.
func TestServeEndsCommands(t *testing.T) {
	dir := t.TempDir()
	marks := t.TempDir()
	command := `read x; [ $x = hang ] || { echo $x; exit; }; sleep 30 & echo $! > ` + marks + `/pid; wait; echo late`
	start(t, nil, "--shm-dir", dir, "serve", "s", "--exec", command)
	awaitServing(t, dir, "s")
	var pid []byte
	for timeout := 200 * time.Millisecond; len(pid) == 0; timeout *= 2 { // until the command came so far
		code, _, errs := call(t, "", "--shm-dir", dir, "call", "s", "hang", "--timeout", timeout.String())
		if code != exitTimeout || timeout > 10*time.Second {
			t.Fatalf("exit code %d, %s", code, errs)
		}
		pid, _ = os.ReadFile(marks + "/pid")
	}
	code, out, errs := call(t, "", "--shm-dir", dir, "call", "s", "next", "--timeout", "20s")
	if code != exitOK || out != "next\n" {
		t.Errorf("the next one: exit code %d, %q, %s", code, out, errs)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(pid)) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("a process of the command goes on: %s", stat)
		}
	}
}

// TestServeTellsOfSignals: a command that a signal ends has the code that a shell gives it.
func TestServeTellsOfSignals(t *testing.T) {
	dir := t.TempDir()
	start(t, nil, "--shm-dir", dir, "serve", "s", "--exec", "read x; [ $x = die ] && kill -9 $$; echo $x")
	awaitServing(t, dir, "s")
	code, _, errs := call(t, "", "--shm-dir", dir, "call", "s", "die")
	if code != exitFailed || !strings.Contains(errs, "(code 137)") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestCallWaits: a caller that comes first is answered, and one that waits in vain is told.
func TestCallWaits(t *testing.T) {
	dir := t.TempDir()
	early := start(t, nil, "--shm-dir", dir, "call", "echo", "hello", "--wait-instance", "--timeout", "30s")
	start(t, nil, "--shm-dir", dir, "serve", "echo")
	if code := early.wait(); code != exitOK || early.out.String() != "hello\n" {
		t.Errorf("exit code %d, %q, %s", code, early.out.String(), early.errors.String())
	}
	code, _, errs := call(t, "", "--shm-dir", dir, "call", "nobody", "x", "--wait-instance", "--timeout", "50ms")
	if code != exitTimeout || !strings.Contains(errs, "nobody has served it") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestCallOfNothing: a call without an argument and without input is no success; an empty request, and no line where
// lines were asked for, are.
func TestCallOfNothing(t *testing.T) {
	dir := t.TempDir()
	start(t, nil, "--shm-dir", dir, "serve", "length", "--exec", "wc -c")
	awaitServing(t, dir, "length")
	for _, c := range []struct {
		name, input string
		args        []string
		code        int
		out, errs   string
	}{
		{"nothing", "", nil, exitUsage, "", "Pass '' as the argument"},
		{"nothing, by flag", "", []string{"--input", "auto"}, exitUsage, "", "no request"},
		{"empty argument", "", []string{""}, exitOK, "0", ""},
		{"empty line", "\n", nil, exitOK, "0", ""},
		{"empty input", "", []string{"--input", "plain"}, exitOK, "0", ""},
		{"no line of several", "", []string{"--input", "lines"}, exitOK, "", ""},
	} {
		code, out, errs := call(t, c.input, append([]string{"--shm-dir", dir, "call", "length"}, c.args...)...)
		if code != c.code || strings.TrimSpace(out) != c.out || !strings.Contains(errs, c.errs) {
			t.Errorf("%s: exit code %d, %q, %s", c.name, code, out, errs)
		}
	}
	if code, _, errs := call(t, "", "--shm-dir", dir, "call", "nobody", "--wait-instance", "--timeout", "50ms"); code != exitUsage || !strings.Contains(errs, "no request") {
		t.Errorf("nothing, before it waits for an instance: exit code %d, %s", code, errs)
	}
}

// TestCallSaysWhetherItRan: what is known of a request whose time was over is told, and by whom, with the flag that helps.
func TestCallSaysWhetherItRan(t *testing.T) {
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	begun, over := make(chan struct{}, 1), make(chan struct{})
	defer close(over)
	_, err = bus.Serve("slow", func(_ context.Context, r *ringcast.Request) error {
		if string(r.Payload()) == "own" {
			return context.DeadlineExceeded
		}
		begun <- struct{}{}
		<-over
		return nil
	}, &ringcast.ServeConfig{Concurrency: 1})
	if err != nil {
		t.Fatal(err)
	}
	wantLate := func(timeout, payload string, says ...string) {
		t.Helper()
		code, _, errs := call(t, "", "--shm-dir", dir, "call", "slow", payload, "--timeout", timeout)
		for _, text := range append(says, `service "slow": `, "--timeout gives it more time; it had "+timeout) {
			if code != exitTimeout || !strings.Contains(errs, text) {
				t.Errorf("exit code %d, %s: does not say %q", code, errs, text)
			}
		}
	}
	wantLate("20s", "own", bus.Address().String()+" says that its time was over after ", "it may have run")
	if _, err := bus.Go(t.Context(), "slow", nil); err != nil {
		t.Fatal(err)
	}
	<-begun
	wantLate("100ms", "x", "it did not run")
}

// TestInboxAsJSON: what others send is an object a line, behind one with the address.
func TestInboxAsJSON(t *testing.T) {
	dir := t.TempDir()
	inbox := start(t, nil, "--shm-dir", dir, "inbox", "--json", "--count", "1")
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s, err := ringcast.Inspect(&ringcast.Config{Dir: dir})
		if err == nil && len(s.Participants) > 0 {
			if code, _, _ := call(t, "", "--shm-dir", dir, "send", s.Participants[0].Address.String(), "come \"home\""); code == exitOK {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatal("nobody takes the message")
		}
	}
	if code := inbox.wait(); code != exitOK {
		t.Fatalf("exit code %d, %s", code, inbox.errors.String())
	}
	lines := strings.Split(strings.TrimSpace(inbox.out.String()), "\n")
	var address, message map[string]any
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &address) != nil || json.Unmarshal([]byte(lines[1]), &message) != nil {
		t.Fatalf("%q", lines)
	}
	if address["address"] == nil || message["payload"] != `come "home"` || message["request"] != false || message["from"] == nil {
		t.Errorf("%v, %v", address, message)
	}
}

// TestSurveyExitCodes: a script can tell whether anybody was there, and whether all have answered.
func TestSurveyExitCodes(t *testing.T) {
	dir := t.TempDir()
	ask := func(timeout string, rest ...string) (int, string, string) {
		return call(t, "", append([]string{"--shm-dir", dir, "survey", "stock", "who?", "--timeout", timeout}, rest...)...)
	}
	if code, out, errs := ask("1s"); code != exitNobody || out != "" || !strings.Contains(errs, "nobody subscribes") {
		t.Errorf("of nobody: exit code %d, %q, %s", code, out, errs)
	}
	subscribe := func(answer bool) {
		bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = bus.Close() })
		sub, err := bus.Subscribe("stock", nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for m, err := range sub.Messages(t.Context()) {
				if err == nil && answer {
					_ = m.Reply([]byte("I"))
				}
			}
		}()
	}
	subscribe(true)
	if code, out, errs := ask("20s"); code != exitOK || strings.Count(out, ": I\n") != 1 || errs != "" {
		t.Errorf("of one: exit code %d, %q, %s", code, out, errs)
	}
	subscribe(false)
	if code, out, errs := ask("20s", "--quorum", "1"); code != exitOK || strings.Count(out, ": I\n") != 1 || errs != "" {
		t.Errorf("with a quorum: exit code %d, %q, %s", code, out, errs)
	}
	for timeout := time.Second; ; timeout *= 2 { // until the one that answers had the time
		code, out, errs := ask(timeout.String())
		if code != exitTimeout || !strings.Contains(errs, "--quorum") {
			t.Fatalf("of one who is silent: exit code %d, %q, %s", code, out, errs)
		}
		if strings.Count(out, ": I\n") == 1 && strings.Contains(errs, "1 answer within "+timeout.String()) {
			return
		}
		if timeout > 15*time.Second {
			t.Fatalf("no answer within %v: %q, %s", timeout, out, errs)
		}
	}
}
