// Demo shows the main job of Ringcast on one host, without root: two nodes, each
// with a forwarder and a directory of its own, joined by multicast on loopback
// with datagrams lost on purpose, and a service that one of three calls on another; then three, in network namespaces where this host
// allows them, one of which is stopped for a while.
//
//	go run ./internal/demo -bin bin
//
// It ends with exit code 0 only if both subscribers wrote exactly what was
// published, although datagrams were lost, because they were repaired, and if the
// subscriber on the stopped node was told of all that it missed, and the other missed nothing.
//
// Environment, to see it fail as it must:
//
//	DEMO_NO_NAK=1   nobody asks for what was lost
//	DEMO_STOP_B=1   node B has no forwarder
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// settings are the flags and the environment.
type settings struct {
	bin      string
	work     string
	part     string
	fault    string
	seed     uint64
	bytes    int64
	lines    int64
	rate     int
	seconds  int
	size     int
	noNAK    bool
	patience time.Duration
	stopB    bool
	pause    time.Duration
	window   int         // of the forwarders, in bytes; 0: their default
	self     string      // this program, for the part that goes elsewhere
	lab      *netlab.Lab // nil: on loopback
}

func main() {
	var s settings
	flag.StringVar(&s.bin, "bin", "bin", "directory of ringcast and ringcastd")
	flag.StringVar(&s.work, "work", ".demo", "directory for input and outputs")
	flag.StringVar(&s.part, "part", "all", "stream, rate, ask, pause or all")
	flag.StringVar(&s.fault, "fault", "loss=0.01", "what the forwarders' fault layer does to arriving datagrams")
	flag.Uint64Var(&s.seed, "seed", 7, "seed of the faults; each node adds its own")
	flag.Int64Var(&s.bytes, "bytes", 200<<20, "least size of the stream's input")
	flag.Int64Var(&s.lines, "lines", 2_000_000, "least number of messages of the stream")
	flag.IntVar(&s.rate, "rate", 100_000, "messages offered a second in the rate part")
	flag.IntVar(&s.seconds, "seconds", 10, "length of the rate part")
	flag.IntVar(&s.size, "size", 2000, "bytes of a message in the rate part")
	flag.DurationVar(&s.patience, "patience", 15*time.Second, "a subscriber that gets nothing for so long gives up")
	flag.DurationVar(&s.pause, "pause", 2*time.Second, "how long node C is stopped in the pause part")
	flag.Parse()
	s.noNAK = os.Getenv("DEMO_NO_NAK") == "1"
	s.stopB = os.Getenv("DEMO_STOP_B") == "1"

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.part == "pause" {
		os.Exit(pauseInside(ctx, s))
	}
	s.self, _ = os.Executable() // without it all is on loopback
	if err := run(ctx, s); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo FAILED: %v\n", err)
		os.Exit(1)
	}
	fmt.Println("\ndemo ok")
}

// run does the parts asked for.
func run(ctx context.Context, s settings) error {
	ctx, cancel := context.WithTimeout(ctx, 9*time.Minute)
	defer cancel()
	if err := os.MkdirAll(s.work, 0o755); err != nil {
		return err
	}
	var errs []error
	if s.part == "all" || s.part == "stream" {
		if err := streamPart(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("stream: %w", err))
		}
	}
	if s.part == "all" || s.part == "rate" {
		if err := ratePart(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("rate: %w", err))
		}
	}
	if s.part == "all" || s.part == "ask" {
		if err := askPart(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("ask: %w", err))
		}
	}
	if s.part == "all" || s.part == "pause" {
		pause := pausePart
		if s.self != "" {
			pause = pauseElsewhere
		}
		if err := pause(ctx, s); err != nil {
			errs = append(errs, fmt.Errorf("pause: %w", err))
		}
	}
	return errors.Join(errs...)
}
