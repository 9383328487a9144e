package examples

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
)

// command runs a program in the root of the repository, for five minutes at most.
func command(t *testing.T, dir, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "RINGCAST_SHM_DIR="+dir)
	return cmd
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd.Args, err, out, errs.String())
	}
	return string(out)
}

// buildGo builds one of the Go programs.
func buildGo(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	output(t, command(t, "", "go", "build", "-o", bin, "./examples/go/"+name))
	return bin
}

// TestService asks a process that serves, which ends by a signal.
func TestService(t *testing.T) {
	dir, bin := t.TempDir(), buildGo(t, "service")
	serving := command(t, dir, bin, "shout")
	out, err := serving.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "serving shout\n" {
		t.Fatal(line, err)
	}
	if got := output(t, command(t, dir, bin, "shout", "hello")); got != "HELLO\n" {
		t.Errorf("got %q", got)
	}
	if err := serving.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := serving.Wait(); err != nil {
		t.Error(err)
	}
}

func TestPublishAndSubscribe(t *testing.T) {
	dir := t.TempDir()
	subscribe := command(t, dir, buildGo(t, "subscribe"), "greetings")
	var out bytes.Buffer
	subscribe.Stdout = &out
	if err := subscribe.Start(); err != nil {
		t.Fatal(err)
	}
	output(t, command(t, dir, buildGo(t, "publish"), "greetings"))
	if err := subscribe.Wait(); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 10 || lines[0] != "greetings 1: greeting 0" || lines[9] != "greetings 10: greeting 9" {
		t.Errorf("subscribe printed %q", lines)
	}
}

// TestWorkers: two of them share what comes, in Go, in C, and one of each.
func TestWorkers(t *testing.T) {
	build := makeC(t, "examples")
	inGo, inC := buildGo(t, "worker"), filepath.Join(build, "ringcast-worker")
	t.Run("go", func(t *testing.T) { shareJobs(t, inGo, inGo) })
	t.Run("c", func(t *testing.T) { shareJobs(t, inC, inC) })
	t.Run("both", func(t *testing.T) { shareJobs(t, inGo, inC) })
}

// shareJobs runs workers; each ends at an "end" of its own.
func shareJobs(t *testing.T, bins ...string) {
	t.Helper()
	dir := t.TempDir()
	bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	outs := make([]bytes.Buffer, len(bins))
	var workers []*exec.Cmd
	for i, bin := range bins {
		w := command(t, dir, bin, "jobs")
		w.Stdout, w.Stderr = &outs[i], &outs[i]
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		workers = append(workers, w)
	}
	if err := bus.WaitForSubscribers(t.Context(), "jobs", len(workers)); err != nil {
		t.Fatal(err)
	}
	pub, err := bus.Publisher("jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		publish(t, pub, fmt.Sprint("job ", i))
	}
	for range workers {
		publish(t, pub, "end")
	}
	all := ""
	for i, w := range workers {
		if err := w.Wait(); err != nil {
			t.Errorf("worker %d: %v: %s", i, err, outs[i].String())
		}
		all += outs[i].String()
	}
	for i := range 20 {
		if line := fmt.Sprintf("%d: job %d\n", i+1, i); strings.Count(all, line) != 1 {
			t.Errorf("%q stands %d times in what they printed:\n%s", line, strings.Count(all, line), all)
		}
	}
}

func TestFlatBuffers(t *testing.T) {
	if out := output(t, command(t, t.TempDir(), buildGo(t, "flatbuffers"))); out != "order 7 of ada: 2 of tea\n" {
		t.Errorf("flatbuffers printed %q", out)
	}
}

// buildInplace builds the C++ program with nothing but the generated headers,
// those of FlatBuffers, and what finds mistakes.
func buildInplace(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "inplace")
	output(t, command(t, "", "g++", "-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-pedantic",
		"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-Icbindings/include", "-Iexamples/cpp",
		"-isystem", flatBuffersInclude(t), "-o", bin, "examples/cpp/inplace.cc"))
	return bin
}

// flatBuffersInclude is where the headers of FlatBuffers for C++ lie: in the Go module.
func flatBuffersInclude(t *testing.T) string {
	t.Helper()
	module := output(t, command(t, "", "go", "list", "-m", "-f", "{{.Dir}}", "github.com/google/flatbuffers"))
	return filepath.Join(strings.TrimSpace(module), "include")
}

// publishOrder builds an order in a slot.
func publishOrder(t *testing.T, p *ringcast.Publisher, number uint64) {
	t.Helper()
	claim, err := p.Claim(t.Context(), 512)
	if err != nil {
		t.Fatal(err)
	}
	b := claim.Builder()
	item, customer := b.CreateString("tea"), b.CreateString("ada")
	orders.LineStart(b)
	orders.LineAddItem(b, item)
	line := orders.LineEnd(b)
	lines := b.CreateVectorOfTables([]flatbuffers.UOffsetT{line})
	orders.OrderStart(b)
	orders.OrderAddNumber(b, number)
	orders.OrderAddCustomer(b, customer)
	orders.OrderAddLines(b, lines)
	b.Finish(orders.OrderEnd(b))
	if err := claim.Commit(); err != nil {
		t.Fatal(err)
	}
}

// TestTableReadFromCpp: a table that Go built in a slot is read by a C++ program
// that knows the layout and nothing else, copied and in place, from shared and
// exclusive rings; what it must not read it refuses.
func TestTableReadFromCpp(t *testing.T) {
	inplace := buildInplace(t)
	for _, exclusive := range []bool{false, true} {
		dir := t.TempDir()
		bus, err := ringcast.Open(t.Context(), &ringcast.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		pub, err := bus.Publisher("orders.eu", &ringcast.PublisherConfig{Slots: 64, Exclusive: exclusive})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "default", "topics", "orders.eu")
		program := func(args ...string) *exec.Cmd { return command(t, dir, inplace, append([]string{path}, args...)...) }

		early := program("0") // it waits for the message
		var out bytes.Buffer
		early.Stdout, early.Stderr = &out, &out
		if err := early.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		publishOrder(t, pub, 41)
		if err := early.Wait(); err != nil || out.String() != "order 41 of ada, sequence 1, 1 lines, copied\n" {
			t.Errorf("exclusive %v: waiting: %v, %q", exclusive, err, out.String())
		}

		publishOrder(t, pub, 42)
		if out := output(t, program("1", "--quiet")); out != "order 42 of ada, sequence 2, 1 lines, in place\n" {
			t.Errorf("exclusive %v: in place: %q", exclusive, out)
		}
		abortOne(t, pub)
		refused(t, program("2"), 3, "")
		publish(t, pub, "raw")
		refused(t, program("3"), 1, "not a FlatBuffer")
		for range 64 {
			publish(t, pub, "later")
		}
		refused(t, program("0"), 4, "")
		refused(t, program(), 2, "usage")
		refused(t, command(t, dir, inplace, path+"x", "0"), 1, "No such file")
		if err := bus.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func publish(t *testing.T, p *ringcast.Publisher, payload string) {
	t.Helper()
	if err := p.Publish(t.Context(), []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

func abortOne(t *testing.T, p *ringcast.Publisher) {
	t.Helper()
	claim, err := p.Claim(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := claim.Abort(); err != nil {
		t.Fatal(err)
	}
}

// refused wants an exit code, and a reason.
func refused(t *testing.T, cmd *exec.Cmd, code int, says string) {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
		t.Errorf("%v: %v, %q; want exit code %d and %q", cmd.Args[2:], err, out, code, says)
	}
}

// TestOrderSchemaIsGenerated: the code beside the schema knows its fields.
func TestOrderSchemaIsGenerated(t *testing.T) {
	text, err := os.ReadFile("schema/order.fbs")
	if err != nil {
		t.Fatal(err)
	}
	header, err := os.ReadFile("cpp/order_generated.h")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"number", "customer", "lines", "item", "quantity", "cents"} {
		if !bytes.Contains(text, fmt.Appendf(nil, "  %s:", field)) || !bytes.Contains(header, fmt.Appendf(nil, "%s() const", field)) {
			t.Errorf("field %s is not in both", field)
		}
	}
}
