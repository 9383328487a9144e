package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// A Figure is what one contender measured in one run.
type Figure struct {
	Rate    float64      `json:"rate"` // messages or round trips a second, summed over readers
	Latency *Percentiles `json:"latency_ns,omitempty"`
	CPU     float64      `json:"cpu,omitempty"` // cores that all processes took together; 0: not looked at
	// Tail is that of a stream at a pace; nil where its parts were not told apart.
	Tail *Tail `json:"tail,omitempty"`
	// Missing are messages that readers did not get.
	Missing uint64 `json:"missing,omitempty"`
	// MemoryStart and MemoryEnd are bytes when all are ready and towards the end of the window, as
	// in Footprint; 0: not looked at.
	MemoryStart uint64 `json:"memory_start,omitempty"`
	MemoryEnd   uint64 `json:"memory_end,omitempty"`
}

// A Contender does a given work once, in at most a few seconds. It does not run
// beside another.
type Contender struct {
	Name    string
	Measure func(ctx context.Context) (Figure, error)
}

// Ours is Run as a contender.
func Ours(spec Spec, o Options) Contender {
	return Contender{Name: "ringcast", Measure: func(ctx context.Context) (Figure, error) {
		o.Unwatched = true
		r, err := Run(ctx, spec, o)
		if err != nil {
			return Figure{}, err
		}
		if r.Missed > 0 {
			return Figure{}, fmt.Errorf("readers missed %d messages", r.Missed)
		}
		return Figure{Rate: r.Rate, Latency: r.Latency, Tail: r.Tail}, nil
	}}
}

// OursWatched is Ours with what its processes take.
func OursWatched(spec Spec, o Options) Contender {
	return Contender{Name: "ringcast", Measure: func(ctx context.Context) (Figure, error) {
		spec, err := spec.Complete()
		if err != nil {
			return Figure{}, err
		}
		s := span{watch: NewWatch(os.Getpid())}
		o.Ready = func() { s.open(0, spec.Warmup, spec.Duration) }
		f, err := Ours(spec, o).Measure(ctx)
		if err == nil {
			s.note(&f)
		}
		return f, err
	}}
}

// A Program is a contender outside: it is given the work as flags (--scenario,
// --size, --wait and so on, see limits/work.h) and prints a Figure as one line of
// JSON.
type Program struct {
	Name    string
	Command []string
	Spec    Spec
	// Scratch is where it may make a directory, which is removed afterwards; it is
	// passed as --dir. Empty passes none.
	Scratch string
	// More are flags after all others.
	More []string
	// Watched looks at what its processes take, from the line "ready" that it prints before
	// its figure; it then waits for as long as --hold-ns says before the warm-up.
	Watched bool
}

// Contender makes the program one.
func (p Program) Contender() Contender {
	return Contender{Name: p.Name, Measure: p.measure}
}

func (p Program) measure(ctx context.Context) (Figure, error) {
	ctx, cancel := context.WithTimeout(ctx, p.Spec.Warmup+p.Spec.Duration+patienceOver)
	defer cancel()
	args, err := p.flags()
	if err != nil {
		return Figure{}, err
	}
	if p.Scratch != "" {
		dir, err := os.MkdirTemp(p.Scratch, "ringcast-peer-")
		if err != nil {
			return Figure{}, err
		}
		defer func() { _ = os.RemoveAll(dir) }()
		args = append(args, "--dir", dir+"/peer")
	}
	if p.Watched {
		args = append(args, "--hold-ns", strconv.FormatInt(int64(holdWatched), 10))
	}
	args = append(args, p.More...)
	cmd := exec.CommandContext(ctx, p.Command[0], append(append([]string{}, p.Command[1:]...), args...)...)
	s := span{watch: &Watch{}}
	if p.Watched {
		s.watch = NewWatch(0)
	}
	out := &answer{ready: func() {
		if p.Watched {
			s.watch.root = cmd.Process.Pid
			s.open(holdWatched, p.Spec.Warmup, p.Spec.Duration)
		}
	}}
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = out, &complaint
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return Figure{}, fmt.Errorf("%s: %w: %s", p.Name, err, lastLines(complaint.String()))
	}
	var f Figure
	if err := json.Unmarshal(out.text.Bytes(), &f); err != nil {
		return Figure{}, fmt.Errorf("%s: answer %q: %w", p.Name, out.text.String(), err)
	}
	s.note(&f)
	return f, nil
}

// An answer is what a program prints: perhaps a line "ready", and then its figure.
type answer struct {
	text  bytes.Buffer
	ready func()
	began bool
}

// Write takes what the program has printed; it belongs to the goroutine that copies.
func (a *answer) Write(b []byte) (int, error) {
	a.text.Write(b)
	if rest, ok := bytes.CutPrefix(a.text.Bytes(), []byte("ready\n")); ok && !a.began {
		a.began = true
		rest = bytes.Clone(rest)
		a.text.Reset()
		a.text.Write(rest)
		a.ready()
	}
	return len(b), nil
}

// flags are the work as the program reads it.
func (p Program) flags() ([]string, error) {
	s, err := p.Spec.Complete()
	if err != nil {
		return nil, err
	}
	exclusive := "0"
	if s.Exclusive {
		exclusive = "1"
	}
	args := []string{"--scenario", string(s.Scenario), "--size", strconv.Itoa(s.Size), "--wait", string(s.Wait),
		"--duration-ns", strconv.FormatInt(int64(s.Duration), 10), "--warmup-ns", strconv.FormatInt(int64(s.Warmup), 10),
		"--pause-ns", strconv.FormatInt(int64(s.Pause), 10), "--slots", strconv.Itoa(s.Slots), "--exclusive", exclusive,
		"--producers", strconv.Itoa(s.Producers), "--readers", strconv.Itoa(s.Readers)}
	if s.Rate > 0 {
		args = append(args, "--rate", strconv.FormatFloat(s.Rate, 'f', -1, 64))
	}
	if len(s.Pin) > 0 {
		var cores []string
		for seat := range 2 {
			cpu, _ := s.cpu(seat)
			cores = append(cores, strconv.Itoa(cpu))
		}
		args = append(args, "--pin", strings.Join(cores, ","))
	}
	return args, nil
}
