// Rpc measures requests between two processes of this machine: of Ringcast, by its ways
// of waiting, beside a socket of the kernel over which the same bytes go to and fro, which is
// what systems with a socket can reach at best. Each turn runs in a process of its own,
// which answers this one.
//
//	go run ./bench/rpc
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/ringcast/ringcast"
)

var (
	size    = flag.Int("size", 256, "bytes of a request and of its reply")
	seconds = flag.Float64("seconds", 2, "time of each turn")
	serve   = flag.String("serve", "", "be the other process: spin, block, yield or socket")
	place   = flag.String("place", "", "folder of both")
)

func main() {
	flag.Parse()
	run := measure
	if *serve != "" {
		run = answer
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "rpc:", err)
		os.Exit(1)
	}
}

// measure runs every turn and prints a line for each.
func measure() error {
	fmt.Printf("round trips of %d bytes each way, one at a time, microseconds\n", *size)
	fmt.Printf("%-28s %8s %8s %8s %10s\n", "", "p50", "p99", "p99.9", "a second")
	for _, way := range []string{"spin", "block", "yield", "socket"} {
		if err := turn(way); err != nil {
			return fmt.Errorf("%s: %w", way, err)
		}
	}
	return nil
}

// A caller makes one round trip.
type caller func(payload []byte) error

func turn(way string) (err error) {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-rpc-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	other := exec.Command(self, "-serve", way, "-place", dir, "-size", fmt.Sprint(*size))
	other.Stderr = os.Stderr
	if err := other.Start(); err != nil {
		return err
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	call, closer, err := connect(way, dir)
	if err != nil {
		return err
	}
	defer closer.Close()
	return record(way, call)
}

// connect waits for the other process.
func connect(way, dir string) (call caller, closer io.Closer, err error) {
	try := func() (caller, io.Closer, error) { return dialRingcast(way, dir) }
	if way == "socket" {
		try = func() (caller, io.Closer, error) { return dialSocket(dir) }
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		call, closer, err = try()
		if err == nil || time.Now().After(end) {
			return call, closer, err
		}
	}
}

func dialRingcast(way, dir string) (caller, io.Closer, error) {
	bus, err := open(way, dir)
	if err != nil {
		return nil, nil, err
	}
	client, err := bus.Client("rpc", nil)
	var reply ringcast.Reply
	call := func(payload []byte) error { return client.RequestInto(context.Background(), payload, &reply) }
	if err == nil {
		err = call(nil)
	}
	if err != nil {
		return nil, nil, errors.Join(err, bus.Close())
	}
	return call, bus, nil
}

func open(way, dir string) (*ringcast.Bus, error) {
	wait, err := ringcast.ParseWait(way)
	if err != nil {
		return nil, err
	}
	return ringcast.Open(context.Background(), &ringcast.Config{Dir: dir, Wait: wait})
}

func dialSocket(dir string) (caller, io.Closer, error) {
	c, err := net.Dial("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return nil, nil, err
	}
	back := make([]byte, *size)
	return func(payload []byte) error {
		if _, err := c.Write(payload); err != nil {
			return err
		}
		_, err := io.ReadFull(c, back)
		return err
	}, c, nil
}

// record makes round trips, a quarter of the time for nothing, and prints what they took.
func record(way string, call caller) error {
	payload := make([]byte, *size)
	took := make([]time.Duration, 0, 1<<24)
	whole := time.Duration(*seconds * float64(time.Second))
	for begin := time.Now(); time.Since(begin) < whole && len(took) < cap(took); {
		start := time.Now()
		if err := call(payload); err != nil {
			return err
		}
		if since := time.Since(start); time.Since(begin) > whole/4 {
			took = append(took, since)
		}
	}
	if len(took) == 0 {
		return errors.New("no round trip in the time")
	}
	rate := float64(len(took)) / (0.75 * *seconds)
	slices.Sort(took)
	at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) / 1000 }
	name := map[string]string{"socket": "unix socket"}[way]
	if name == "" {
		name = "Ringcast, " + way
	}
	fmt.Printf("%-28s %8.2f %8.2f %8.2f %10.0f\n", name, at(0.5), at(0.99), at(0.999), rate)
	return nil
}

// answer is the other process, until it is killed.
func answer() error {
	if *serve == "socket" {
		return answerSocket()
	}
	bus, err := open(*serve, *place)
	if err != nil {
		return err
	}
	_, err = bus.Serve("rpc", func(_ context.Context, r *ringcast.Request) error { return r.Reply(r.Payload()) }, nil)
	if err != nil {
		return err
	}
	select {}
}

func answerSocket() error {
	l, err := net.Listen("unix", filepath.Join(*place, "socket"))
	if err != nil {
		return err
	}
	c, err := l.Accept()
	if err != nil {
		return err
	}
	for b := make([]byte, *size); ; {
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		if _, err := c.Write(b); err != nil {
			return err
		}
	}
}
