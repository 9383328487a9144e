// Own runs each peer's own measuring tool once beside our program of that peer, at the same work,
// to show that our program does not hold the peer back.
//
//	make bench-peers-own [SIZE=256]
//
// The work is a stream at full rate from one process to another. The tools touch no payload. Our programs write every byte of
// it and read it again; so they run once more with the first 16 bytes alone, which say what message it is, and that is compared.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/peers"
	"github.com/ringcast/ringcast/bench/table"
)

// A tool is a peer's own; without a name there is none that a registry has.
type tool struct{ peer, name, why string }

var tools = []tool{
	{"aeron", "streaming_exclusive_publisher, rate_subscriber", ""},
	{"iceoryx2", "", "its benchmarks are in no registry"},
	{"zeromq", "local_thr, remote_thr", ""},
	{"nats", "nats-bench of nats.go", ""},
	{"zenoh", "", "z_pub_thr and z_sub_thr are in no registry"},
	{"cyclonedds", "ddsperf", ""},
}

func main() { table.Main("bench-peers-own", run) }

func run(ctx context.Context) error {
	size := flag.Int("size", 256, "bytes of a message")
	flag.Parse()
	spec := bench.Spec{Scenario: bench.Stream, Size: *size, Exclusive: true, Wait: bench.Spin, Pin: []int{0, 1},
		Warmup: 200 * time.Millisecond, Duration: time.Second}
	fmt.Printf("%v\n%d bytes, one to one, at full rate\n\n%-12s %-48s %12s %12s %12s %6s\n", bench.ThisMachine(), *size, "peer", "its own tool", "our program",
		"16 bytes", "its tool", "ratio")
	for _, t := range tools {
		fmt.Printf("%-12s %s\n", t.peer, t.row(ctx, spec))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// touched is how many bytes of a message our program of a peer writes and reads beside a tool that touches none: tag and time.
const touched = 16

// row measures our program, and then by turns with the tool where it touches no more than that does: the better of the
// two counts, as the tools print their best.
func (t *tool) row(ctx context.Context, spec bench.Spec) string {
	p, err := peers.Find(t.peer)
	if err == nil && p.Missing("bin/peers") != "" {
		return p.Missing("bin/peers")
	}
	if err != nil || t.name == "" {
		return fmt.Sprintf("%-48s", t.why)
	}
	light := p.Touching(touched, spec, "bin/peers")
	var whole, before, after bench.Figure
	var theirs float64
	for _, step := range []func() error{
		func() (err error) { whole, err = p.Contender(spec, "bin/peers", false).Measure(ctx); return },
		func() (err error) { before, err = light.Measure(ctx); return },
		func() (err error) { theirs, err = t.measure(ctx, spec.Size); return },
		func() (err error) { after, err = light.Measure(ctx); return },
	} {
		if err := step(); err != nil {
			return firstLine(err)
		}
	}
	ours := max(before.Rate, after.Rate)
	return fmt.Sprintf("%-48s %10s/s %10s/s %10s/s %6.2f", t.name, bench.Grouped(whole.Rate), bench.Grouped(ours), bench.Grouped(theirs), ours/theirs)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// patience is how long a tool may take.
const patience = 40 * time.Second

func (t *tool) measure(ctx context.Context, size int) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "bench/peers/own/run.sh", t.peer, strconv.Itoa(size))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%s: %w", t.name, err)
	}
	rate, err := strconv.ParseFloat(strings.TrimSpace(out.String()), 64)
	if err != nil || rate <= 0 {
		return 0, fmt.Errorf("%s printed no rate: %q", t.name, out.String())
	}
	return rate, nil
}
