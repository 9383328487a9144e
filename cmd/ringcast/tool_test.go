package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/version"
)

// toolVariable makes the test's binary the tool.
const toolVariable = "RINGCAST_TEST_TOOL"

func TestMain(m *testing.M) {
	if os.Getenv(toolVariable) == "" {
		os.Exit(m.Run())
	}
	os.Exit(program())
}

// call runs the tool in this process.
func call(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var out, errs bytes.Buffer
	code = run(ctx, args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

// A process is the tool as a process of its own.
type process struct {
	t           *testing.T
	cmd         *exec.Cmd
	out, errors bytes.Buffer
}

func start(t *testing.T, stdin io.Reader, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, &p.out, &p.errors
	return p.begin()
}

// startWith is start of a process whose words on standard error are read while it runs.
func startWith(t *testing.T, said io.Writer, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Stderr = said
	return p.begin()
}

func (p *process) begin() *process {
	t := p.t
	t.Helper()
	p.cmd.Env = append(os.Environ(), toolVariable+"=1")
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// wait returns the exit code.
func (p *process) wait() int {
	p.t.Helper()
	kill := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer kill.Stop()
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// await returns when the topic has so many subscriptions.
func await(t *testing.T, dir, topic string, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		s, err := ringcast.Inspect(&ringcast.Config{Dir: dir})
		if err != nil {
			continue
		}
		have := 0
		for _, p := range s.Participants {
			have += len(interests(p.Info, false))
		}
		if have >= n {
			return
		}
	}
	t.Fatalf("%d subscriptions of %s do not come", n, topic)
}

func summaryOf(t *testing.T, text string) summary {
	t.Helper()
	var s summary
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for len(lines) > 1 && !strings.HasPrefix(lines[len(lines)-1], "{") { // the reason of the exit code
		lines = lines[:len(lines)-1]
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &s); err != nil {
		t.Fatalf("no summary: %v in %q", err, text)
	}
	return s
}

// someLines are lines of many lengths, empty ones and one beyond the reader's
// buffer among them.
func someLines(count int) string {
	var b strings.Builder
	for i := range count {
		if i%7 != 0 {
			fmt.Fprintf(&b, "line %d %s", i, strings.Repeat("x", i*37%3000))
		}
		if i == count/2 {
			b.WriteString(strings.Repeat("long", readBuffer/3))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestLinesReachASubscriber which was there first, as processes.
func TestLinesReachASubscriber(t *testing.T) {
	dir, lines := t.TempDir(), someLines(5000)
	sub := start(t, nil, "sub", "t.lines", "--shm-dir", dir, "--count", "5000", "--raw", "--sha256", "--json", "--latency", "--timeout", "20s")
	await(t, dir, "t.lines", 1)
	pub := start(t, strings.NewReader(lines), "pub", "t.lines", "--shm-dir", dir, "--slots", "4096", "--slot-size", "1024",
		"--wait-subscribers", "1", "--timestamps", "--sha256", "--json")
	if code := pub.wait(); code != exitOK {
		t.Fatalf("pub: exit code %d: %s", code, pub.errors.String())
	}
	if code := sub.wait(); code != exitOK {
		_, state, _ := call(t, "", "ls", "--shm-dir", dir, "--json")
		t.Fatalf("sub: exit code %d: %s\npub: %s\nleft: %s", code, sub.errors.String(), pub.out.String(), state)
	}
	if sub.out.String() != lines {
		t.Errorf("%d bytes came, not the %d that were sent", sub.out.Len(), len(lines))
	}
	sent, got := summaryOf(t, pub.out.String()), summaryOf(t, sub.errors.String())
	if sent.Messages != 5000 || got.Messages != 5000 || sent.SHA256 != got.SHA256 || len(got.SHA256) != 64 ||
		sent.Bytes != uint64(len(lines)-5000) || got.Lagged+got.Lost+got.Gaps != 0 {
		t.Errorf("summaries differ:\n%+v\n%+v", sent, got)
	}
	if l := got.Latency; l == nil || l.P50 <= 0 || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
		t.Errorf("latency %+v", got.Latency)
	}
	if sent.CPUSeconds <= 0 || sent.Rate <= 0 {
		t.Errorf("summary %+v", sent)
	}
}

// TestBinaryRoundTrip: what sub --binary writes, pub --binary reads.
func TestBinaryRoundTrip(t *testing.T) {
	dir := t.TempDir()
	input := binaryForm([]byte("one"), nil, []byte("two\nlines"), bytes.Repeat([]byte{0, 0xff}, 5000))
	for range 2 {
		sub := start(t, nil, "sub", "bin", "--shm-dir", dir, "--count", "4", "--binary", "--timeout", "20s")
		await(t, dir, "bin", 1)
		if code, _, errs := call(t, input, "pub", "bin", "--shm-dir", dir, "--binary"); code != exitOK {
			t.Fatalf("pub: exit code %d: %s", code, errs)
		}
		if code := sub.wait(); code != exitOK {
			t.Fatalf("sub: exit code %d: %s", code, sub.errors.String())
		}
		if sub.out.String() != input {
			t.Fatalf("got %q, want %q", sub.out.String(), input)
		}
		input = sub.out.String()
	}
}

// binaryForm leads each message by its length.
func binaryForm(messages ...[]byte) string {
	var b bytes.Buffer
	for _, m := range messages {
		b.Write([]byte{byte(len(m)), byte(len(m) >> 8), byte(len(m) >> 16), byte(len(m) >> 24)})
		b.Write(m)
	}
	return b.String()
}

// TestFileIsRepeated, and the last line needs no end.
func TestFileIsRepeated(t *testing.T) {
	dir, path := t.TempDir(), t.TempDir()+"/lines"
	if err := os.WriteFile(path, []byte("a\n\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	sub := start(t, nil, "sub", "f", "--shm-dir", dir, "--count", "9", "--timeout", "20s")
	await(t, dir, "f", 1)
	if code, _, errs := call(t, "", "pub", "f", "--shm-dir", dir, "--file", path, "--repeat", "3"); code != exitOK {
		t.Fatalf("pub: exit code %d: %s", code, errs)
	}
	if code := sub.wait(); code != exitOK || sub.out.String() != "a\n\nb\na\n\nb\na\n\nb\n" {
		t.Errorf("exit code %d, got %q", code, sub.out.String())
	}
}

// TestSignalEndsCleanly: both print their summary, also pub that waits for input.
func TestSignalEndsCleanly(t *testing.T) {
	dir := t.TempDir()
	sub := start(t, nil, "sub", "s", "--shm-dir", dir)
	await(t, dir, "s", 1)
	never, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	pub := start(t, never, "pub", "s", "--shm-dir", dir, "--json")
	if _, err := feed.WriteString("only\n"); err != nil {
		t.Fatal(err)
	}
	s := waitPositions(t, dir, 1)
	for _, p := range []*process{pub, sub} {
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code := p.wait(); code != exitOK {
			t.Errorf("%v: exit code %d: %s", p.cmd.Args[1:], code, p.errors.String())
		}
	}
	if sent := summaryOf(t, pub.out.String()); sent.Messages != 1 || !sent.Interrupted {
		t.Errorf("pub: %+v; topic %+v", sent, s)
	}
	if sub.out.String() != "only\n" || !strings.Contains(sub.errors.String(), "1 message, 4 bytes\n") {
		t.Errorf("sub printed %q and %q", sub.out.String(), sub.errors.String())
	}
}

// waitPositions returns when a topic's ring has so many messages.
func waitPositions(t *testing.T, dir string, n uint64) ringcast.TopicState {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		s, err := ringcast.Inspect(&ringcast.Config{Dir: dir})
		if err == nil && len(s.Topics) == 1 && s.Topics[0].Positions >= n {
			return s.Topics[0]
		}
	}
	t.Fatal("nothing is published")
	return ringcast.TopicState{}
}

func TestTimeouts(t *testing.T) {
	dir := t.TempDir()
	code, _, errs := call(t, "", "sub", "nobody", "--shm-dir", dir, "--timeout", "50ms")
	if code != exitTimeout || !strings.Contains(errs, "no message came in time") {
		t.Errorf("sub: exit code %d, %q", code, errs)
	}
	code, _, errs = call(t, "x\n", "pub", "nobody", "--shm-dir", dir, "--wait-subscribers", "1", "--timeout", "50ms")
	if code != exitTimeout || !strings.Contains(errs, "0 of 1 subscriptions") {
		t.Errorf("pub: exit code %d, %q", code, errs)
	}
}

// TestMissedMessagesHaveAnExitCode: a latest reader that is stopped misses what
// comes meanwhile, tells, and the sum is right.
func TestMissedMessagesHaveAnExitCode(t *testing.T) {
	dir := t.TempDir()
	sub := start(t, nil, "sub", "fast", "--shm-dir", dir, "--latest", "--quiet", "--json", "--timeout", "500ms")
	await(t, dir, "fast", 1)
	publish := func(count string) {
		if code, _, errs := call(t, "", "pub", "fast", "--shm-dir", dir, "--size", "8", "--count", count); code != exitOK {
			t.Fatalf("pub: exit code %d: %s", code, errs)
		}
	}
	keep := start(t, nil, "sub", "fast", "--shm-dir", dir, "--latest", "--quiet") // so that the ring stays
	await(t, dir, "fast", 2)
	publish("1")
	waitPositions(t, dir, 1)
	time.Sleep(50 * time.Millisecond) // it takes the first, so that it has a source to miss from
	if err := sub.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	publish("5000")
	if err := sub.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if code := sub.wait(); code != exitMissed {
		t.Fatalf("exit code %d, want %d: %s", code, exitMissed, sub.errors.String())
	}
	got := summaryOf(t, sub.out.String())
	if got.Messages+got.Lagged != 5001 || got.Lagged == 0 || !strings.Contains(sub.errors.String(), "lagged") {
		t.Errorf("%+v, events %q", got, sub.errors.String())
	}
	_ = keep.cmd.Process.Signal(syscall.SIGTERM)
	keep.wait()
}

func TestOfferedRate(t *testing.T) {
	dir := t.TempDir()
	begin := time.Now()
	code, out, errs := call(t, "", "pub", "paced", "--shm-dir", dir, "--size", "100", "--count", "200", "--rate", "1000", "--json")
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	if took := time.Since(begin); took < 190*time.Millisecond {
		t.Errorf("200 messages at 1000 a second took %v", took)
	}
	if s := summaryOf(t, out); s.Messages != 200 || s.Bytes != 20_000 || s.Rate > 1100 {
		t.Errorf("%+v", s)
	}
}

func TestListing(t *testing.T) {
	dir := t.TempDir()
	sub := start(t, nil, "sub", "orders.*", "--shm-dir", dir)
	await(t, dir, "orders.*", 1)
	never, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	start(t, never, "pub", "orders.eu", "--shm-dir", dir, "--slots", "64", "--slot-size", "512", "--exclusive")
	_, _ = feed.WriteString("x\ny\n")
	waitPositions(t, dir, 2)
	code, out, errs := call(t, "", "ls", "--shm-dir", dir)
	if code != exitOK {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	for _, want := range []string{"orders.eu", "512", "exclusive", "orders.*", fmt.Sprint(sub.cmd.Process.Pid)} {
		if !strings.Contains(out, want) {
			t.Errorf("ls does not show %q:\n%s", want, out)
		}
	}
	var d listedDomain
	code, out, _ = call(t, "", "ls", "--shm-dir", dir, "--json")
	if err := json.Unmarshal([]byte(out), &d); err != nil || code != exitOK {
		t.Fatalf("exit code %d, %v", code, err)
	}
	if len(d.Topics) != 1 || d.Topics[0].Slots != 64 || d.Topics[0].Positions != 2 || len(d.Topics[0].Readers) != 1 || len(d.Participants) != 2 {
		t.Errorf("%+v", d)
	}
}

// TestWaysOfWaiting: each carries a stream, and a wrong one names the right ones.
func TestWaysOfWaiting(t *testing.T) {
	for _, way := range []string{"block", "spin", "yield"} {
		dir := t.TempDir()
		sub := start(t, nil, "sub", "waited", "--shm-dir", dir, "--count", "100", "--wait", way)
		await(t, dir, "waited", 1)
		if code, _, errs := call(t, "", "pub", "waited", "--shm-dir", dir, "--size", "10", "--count", "100", "--wait", way); code != exitOK {
			t.Errorf("%s: pub: exit code %d: %s", way, code, errs)
		}
		if code := sub.wait(); code != exitOK {
			t.Errorf("%s: sub: exit code %d: %s", way, code, sub.errors.String())
		}
	}
	(&refusal{"way", "", []string{"sub", "waited", "--wait", "sleep"}, exitUsage, []string{`"sleep"`, "block, spin, yield"}}).check(t)
}

// TestQueueGroup: two share a topic; ls shows them; what the two got is all.
func TestQueueGroup(t *testing.T) {
	dir := t.TempDir()
	var members []*process
	for range 2 {
		members = append(members, start(t, nil, "sub", "jobs", "--shm-dir", dir, "--queue-group", "workers", "--timeout", "1s", "--json"))
	}
	await(t, dir, "jobs", 2)
	code, out, errs := call(t, "", "ls", "--shm-dir", dir)
	for _, want := range []string{"GROUP", "workers", "2: ", fmt.Sprint(members[0].cmd.Process.Pid), fmt.Sprint(members[1].cmd.Process.Pid)} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("ls: exit code %d, does not show %q:\n%s%s", code, want, out, errs)
		}
	}
	var d listedDomain
	_, out, _ = call(t, "", "ls", "--shm-dir", dir, "--json")
	if err := json.Unmarshal([]byte(out), &d); err != nil || len(d.Topics) != 1 || len(d.Topics[0].Groups) != 1 || len(d.Topics[0].Groups[0].Members) != 2 {
		t.Errorf("ls --json: %v, %s", err, out)
	}
	const count = 2000
	if code, _, errs := call(t, "", "pub", "jobs", "--shm-dir", dir, "--size", "10", "--count", fmt.Sprint(count)); code != exitOK {
		t.Fatalf("pub: exit code %d: %s", code, errs)
	}
	sum := uint64(0)
	for _, m := range members {
		if code := m.wait(); code != exitOK && code != exitTimeout { // one may have got none
			t.Errorf("sub: exit code %d: %s", code, m.errors.String())
		}
		s := summaryOf(t, m.errors.String())
		sum += s.Messages
		if s.Gaps != 0 || s.Abandoned != 0 {
			t.Errorf("%+v", s)
		}
	}
	if sum != count {
		t.Errorf("%d messages of %d", sum, count)
	}
	(&refusal{"pattern", "", []string{"sub", "jobs.*", "--shm-dir", dir, "--queue-group", "g"}, exitUsage, []string{"pattern", "each topic"}}).check(t)
}

func TestVersion(t *testing.T) {
	code, out, _ := call(t, "", "version")
	if code != exitOK || !strings.Contains(out, version.Release) {
		t.Errorf("exit code %d, %q", code, out)
	}
	if ringcast.Version != version.Release {
		t.Errorf("the library is %s, the tool %s", ringcast.Version, version.Release)
	}
}
