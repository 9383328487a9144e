package bench

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tiny is a run that only shows that all its parts are there.
func tiny(s Spec) Spec {
	s.Warmup, s.Duration = 20*time.Millisecond, 100*time.Millisecond
	return s
}

// TestScenarios runs each scenario, and wants every message read once and whole,
// which Run checks, and every figure that the scenario has.
func TestScenarios(t *testing.T) {
	for name, spec := range map[string]Spec{
		"stream":              {Scenario: Stream, Size: 64},
		"stream exclusive":    {Scenario: Stream, Size: 2048, Exclusive: true, Wait: Yield},
		"stream odd size":     {Scenario: Stream, Size: 77, SlotSize: 128},
		"stream at a rate":    {Scenario: Stream, Rate: 2000},
		"stream in batches":   {Scenario: Stream, Producers: 2, Batch: 20},
		"exclusive batches":   {Scenario: Stream, Exclusive: true, Batch: 1000},
		"three to three":      {Scenario: Stream, Producers: 3, Readers: 3, Wait: Yield},
		"three apart":         {Scenario: Stream, Producers: 3, Apart: true, Exclusive: true, Wait: Yield},
		"three at a rate":     {Scenario: Stream, Producers: 3, Rate: 3000},
		"ping-pong":           {Scenario: PingPong, Size: 64},
		"ping-pong at rate":   {Scenario: PingPong, Rate: 500},
		"ping-pong yielding":  {Scenario: PingPong, Exclusive: true, Wait: Yield},
		"wake":                {Scenario: Wake, Pause: time.Millisecond},
		"wake with intervals": {Scenario: Wake, Pause: time.Millisecond, Every: 20 * time.Millisecond},
		"stream over time":    {Scenario: Stream, Rate: 2000, Readers: 2, Every: 20 * time.Millisecond},
		"requests":            {Scenario: Request, Size: 4096},
		"requests at a rate":  {Scenario: Request, Producers: 2, Rate: 500, Wait: Yield},
		"survey":              {Scenario: Survey, Readers: 3},
		"survey of large":     {Scenario: Survey, Size: 8192, Rate: 100},
		"copying":             {Scenario: Stream, Copy: true},
		"ping-pong copying":   {Scenario: PingPong, Copy: true},
		"pinned":              {Scenario: Stream, Pin: []int{0}},
	} {
		t.Run(name, func(t *testing.T) { checkScenario(t, tiny(spec)) })
	}
}

func checkScenario(t *testing.T, spec Spec) {
	r, err := Run(context.Background(), spec, options(t))
	if err != nil {
		t.Fatal(err)
	}
	if want := len(r.Spec.roles()); len(r.Processes) != want {
		t.Errorf("%d processes, want %d", len(r.Processes), want)
	}
	if r.Rate <= 0 || r.RingBytes == 0 || r.TotalBytes <= r.RingBytes || r.Machine.Kernel == "" {
		t.Errorf("rate %v, ring of %d bytes in %d, machine %v: want all", r.Rate, r.RingBytes, r.TotalBytes, r.Machine)
	}
	for _, p := range r.Processes {
		if p.Total == 0 || p.Private == 0 {
			t.Errorf("%s: %d messages, %d private bytes: want both", p.Role, p.Total, p.Private)
		}
	}
	wantLatency := spec.Scenario != Stream || spec.Rate > 0
	if got := r.Latency != nil; got != wantLatency {
		t.Errorf("latency measured: %v, want %v", got, wantLatency)
	}
	var out bytes.Buffer
	if err := r.WriteHgrm(&out); (err == nil) != wantLatency {
		t.Errorf("hgrm: %v", err)
	}
	if wantLatency && !strings.Contains(out.String(), "#[Max") {
		t.Errorf("hgrm ends in %q", lastLines(out.String()))
	}
}

// TestNothingStays looks for what a run leaves behind, also one that was broken off.
func TestNothingStays(t *testing.T) {
	dir := t.TempDir()
	o := options(t)
	o.Dir = dir
	if _, err := Run(context.Background(), tiny(Spec{Scenario: Stream}), o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, Spec{Scenario: Stream, Duration: time.Minute}, o); err == nil {
		t.Error("a run whose context ended returned no error")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestChildThatFails wants the child's own words, at once.
func TestChildThatFails(t *testing.T) {
	o := options(t)
	o.Child = []string{"/bin/sh", "-c", "echo no such luck >&2; exit 7"}
	_, err := Run(context.Background(), tiny(Spec{Scenario: Stream}), o)
	if err == nil || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("error = %v, want what the child said", err)
	}
}

// TestTraced wants the first process to say where the domain's files lie when it
// runs under another command, and only then.
func TestTraced(t *testing.T) {
	o := options(t)
	o.Wrap = []string{"/usr/bin/env"}
	r, err := Run(context.Background(), tiny(Spec{Scenario: Stream}), o)
	if err != nil {
		t.Fatal(err)
	}
	if first, second := r.Processes[0], r.Processes[1]; len(first.Mapped) == 0 || len(second.Mapped) != 0 {
		t.Errorf("%d and %d mappings, want some and none", len(first.Mapped), len(second.Mapped))
	}
}

// TestProgress wants somebody who watches to be told.
func TestProgress(t *testing.T) {
	o := options(t)
	told := make(chan Progress, 1000)
	o.Progress = func(p Progress) { told <- p }
	if _, err := Run(context.Background(), Spec{Scenario: Stream, Warmup: time.Millisecond, Duration: time.Second}, o); err != nil {
		t.Fatal(err)
	}
	close(told)
	var most uint64
	for p := range told {
		most = max(most, p.Messages)
	}
	if most == 0 {
		t.Error("no progress was told")
	}
}

func TestChildWithoutAssignment(t *testing.T) {
	empty, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = empty.Close() }()
	if err := Child(context.Background(), empty, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "ringcast bench oneway") {
		t.Errorf("error = %v, want advice", err)
	}
}

func TestSpecErrorsTeach(t *testing.T) {
	for name, c := range map[string]struct {
		spec Spec
		want string
	}{
		"scenario":  {Spec{Scenario: "sing"}, "want stream, pingpong, wake, idle, request or survey"},
		"small":     {Spec{Scenario: Stream, Size: 8}, "want 16 bytes"},
		"slot":      {Spec{Scenario: Stream, Size: 128, SlotSize: 64}, "must fit a slot"},
		"exclusive": {Spec{Scenario: Stream, Producers: 2, Exclusive: true}, "takes one"},
		"apart":     {Spec{Scenario: PingPong, Apart: true}, "have a topic each"},
		"slots":     {Spec{Scenario: Stream, Slots: 100}, "power of two"},
		"wait":      {Spec{Scenario: Stream, Wait: "hope"}, "block, spin or yield"},
		"pin":       {Spec{Scenario: Stream, Pin: []int{4096}}, "pin to core 4096"},
		"many":      {Spec{Scenario: Stream, Readers: 64}, "at most 64"},
		"rate":      {Spec{Scenario: Stream, Rate: -1}, "messages a second"},
		"batch":     {Spec{Scenario: Stream, Batch: 2, Rate: 5}, "without a rate"},
		"no batch":  {Spec{Scenario: Stream, Batch: -1}, "one by one"},
		"pace":      {Spec{Scenario: Wake, Rate: 1}, "only streams, round trips"},
		"long":      {Spec{Scenario: Stream, Duration: 2 * time.Hour}, "at most 1h"},
	} {
		if _, err := c.spec.Complete(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error = %v, want %q in it", name, err, c.want)
		}
	}
}
