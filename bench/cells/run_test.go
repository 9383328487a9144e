package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

// TestMain lets the test's own program be the processes of a run.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "child" {
		if err := bench.Child(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tiny is a plan that shows that all parts of a cell are there, and measures nothing.
func tiny(t *testing.T) *plan {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &plan{quick: true, want: 1, most: 1, duration: 200 * time.Millisecond, warmup: 20 * time.Millisecond, limits: buildLimits(t),
		aeron: t.TempDir(), self: []string{self, "child"}, deadline: time.Now().Add(time.Minute), progress: io.Discard}
}

// buildLimits builds the C programs as the Makefile does.
func buildLimits(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, program := range []string{"line", "ring", "futex", "steps", "crowd", "lead", "ticks"} {
		out, err := exec.Command("cc", "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", filepath.Join(dir, program),
			filepath.Join("..", "limits", program+".c")).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", program, err, out)
		}
	}
	return dir
}

// TestCells runs cells of each kind once: their programs answer, and rows come
// out. What they say is not looked at: other programs run beside a test.
func TestCells(t *testing.T) {
	p := tiny(t)
	for _, c := range []cell{exclusiveCell(64), batchCell(64), sharedCell(256, 1, 1), sharedCell(256, 1, 3), pingPongCell(2048, 5), trafficCell(),
		wakeCell(false), allocationCell(true), memoryCell()} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := c.measure(context.Background(), p, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 0 {
				t.Error("no row")
			}
			for _, r := range rows {
				if r.Runs > 0 && r.Ours == 0 && r.Peer != "" {
					t.Errorf("row without a figure: %v", r)
				}
			}
		})
	}
}

// TestAllOfIt runs the program over one cell, as a table and as JSON.
func TestAllOfIt(t *testing.T) {
	p := tiny(t)
	p.only = "allocations, copying"
	var out bytes.Buffer
	self := p.self
	if err := p.all(context.Background(), &out, self); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{table.Header, "allocations, copying", "goals met:"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("table = %q, want %q in it", out.String(), want)
		}
	}
	out.Reset()
	p.json = true
	if err := p.all(context.Background(), &out, self); err != nil {
		t.Fatal(err)
	}
	var r table.Row
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || r.Cell != "allocations, copying" {
		t.Errorf("JSON = %q, error %v", out.String(), err)
	}
}

// TestPeersThatAreNotBuilt wants a row that says so.
func TestPeersThatAreNotBuilt(t *testing.T) {
	p := &plan{aeron: t.TempDir(), java: true}
	if got := append(p.aeronC(bench.Spec{}), p.aeronJava(bench.Spec{})...); len(got) != 0 {
		t.Fatalf("%d contenders out of an empty folder", len(got))
	}
	rows := p.missing("a cell", "M/s", nil)
	if len(rows) != 2 || !strings.Contains(rows[0].String(), "not built") {
		t.Errorf("rows = %v", rows)
	}
}
