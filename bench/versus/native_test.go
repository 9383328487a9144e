package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
)

// TestNative builds the program of the C library and has it do each kind of work once, for a short while.
func TestNative(t *testing.T) {
	const program = "build-versus/bench-node"
	build := exec.Command("make", "-s", "-C", "../../cbindings", "BUILD=build-versus", program)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	p := &plan{native: "../../cbindings/" + program}
	short := length{20 * time.Millisecond, 100 * time.Millisecond, 0, 0}
	for _, c := range allCells() {
		switch c.name {
		case "one-way 64 B 1-1", "one-way 256 B 1-3", "one-way 2048 B 3-1", "one-way 64 KiB 3-1", "one-way 4 MiB 1-1", "one-way 256 B 3-1, 100 k/s",
			"ping-pong 64 B, spin", "ping-pong 2048 B, after a pause", "request 256 B", "idle processor", "memory at start":
		default:
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			c := c.timed(short)
			c.spec.Pin = nil
			c.spec.Rate /= 10 // whatever else runs here
			if c.watched {
				c.spec.Duration = 2 * time.Second // a look takes a while on a busy machine
			}
			f, err := p.nativeContender(&c).Measure(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			checkNative(t, &c, f)
		})
	}
}

// checkNative wants the figures that a work has, and none that says something impossible.
func checkNative(t *testing.T, c *cell, f bench.Figure) {
	t.Helper()
	if c.spec.Scenario != bench.Idle && f.Rate <= 0 || f.Missing != 0 {
		t.Errorf("%v messages a second, %d missing", f.Rate, f.Missing)
	}
	if trips := c.spec.Scenario == bench.PingPong || c.spec.Scenario == bench.Request; trips && (f.Latency == nil || f.Latency.P50 <= 0 || f.Latency.P50 > f.Latency.Max) {
		t.Errorf("latency %+v", f.Latency)
	}
	if c.spec.Every > 0 && (f.Tail == nil || f.Tail.Parts == 0 || f.Tail.Typical <= 0) {
		t.Errorf("parts %+v", f.Tail)
	}
	if c.watched && (f.MemoryStart == 0 || f.MemoryEnd == 0 || f.CPU < 0) {
		t.Errorf("a footprint of %d, later %d bytes, %v cores", f.MemoryStart, f.MemoryEnd, f.CPU)
	}
}

// TestNativeFlags: the C library's program is told what a cell asks of its rings, in a run after a pause to map them beforehand.
func TestNativeFlags(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "program")
	script := "#!/bin/sh\necho \"$*\" >" + dir + "/flags\necho '{\"rate\":1}'\n"
	if err := os.WriteFile(program, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	p := &plan{native: program}
	for _, c := range allCells() {
		if c.between() || c.measure == commands {
			continue
		}
		if _, err := p.nativeContender(&c).Measure(context.Background()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "flags"))
		if err != nil {
			t.Fatal(err)
		}
		late := strings.HasSuffix(c.name, ", after a pause")
		if has := strings.Contains(string(b), "--prefault 1"); has != c.spec.Prefault || late && !has {
			t.Errorf("%s: prefault %v, and its flags are %s", c.name, c.spec.Prefault, b)
		}
		if strings.Contains(string(b), "--apart 1") != c.spec.Apart {
			t.Errorf("%s: apart %v, and its flags are %s", c.name, c.spec.Apart, b)
		}
	}
}
