package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestPinProcess pins a process of its own. All its threads then have one core,
// also those that are made later, and GOMAXPROCS is what it was.
func TestPinProcess(t *testing.T) {
	if os.Getenv("RINGCAST_BENCH_PIN") != "" {
		beOnOneCore(t)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPinProcess$", "-test.v")
	cmd.Env = append(os.Environ(), "RINGCAST_BENCH_PIN=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want, threads := fmt.Sprintf("core %d", allowedCores()[0]), 0
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "core ") {
			if threads++; line != want {
				t.Errorf("a thread has %q, want %q", line, want)
			}
		}
	}
	if threads < 2 {
		t.Errorf("%d threads were looked at: %s", threads, out)
	}
}

// beOnOneCore prints which core each thread has. Go compares GOMAXPROCS with the
// affinity once a second while something runs; two seconds are time for that.
func beOnOneCore(t *testing.T) {
	runtime.SetDefaultGOMAXPROCS() // as in a program: the package testing has set it
	before := runtime.GOMAXPROCS(0)
	pinProcess(allowedCores()[0])
	made := make(chan bool)
	for range 8 { // as many goroutines in system calls make threads
		go func() { _ = exec.Command("true").Run(); made <- true }()
	}
	for range 8 {
		<-made
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		text, _ := os.ReadFile("/proc/self/task/" + thread.Name() + "/status")
		_, rest, _ := strings.Cut(string(text), "Cpus_allowed_list:")
		list, _, _ := strings.Cut(rest, "\n")
		fmt.Println("core", strings.TrimSpace(list))
	}
	for begin := time.Now(); time.Since(begin) < 2*time.Second; runtime.Gosched() {
		if after := runtime.GOMAXPROCS(0); after != before {
			t.Fatalf("GOMAXPROCS was %d and is %d", before, after)
		}
	}
}
