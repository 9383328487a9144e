package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/netlab"
)

// Of the pause part.
const (
	pauseTopic = "demo.pause"
	pauseRate  = 10_000 // messages a second
	pauseSize  = 1000
	pauseLoss  = 1.0 // per cent of what each node would receive
	pauseAfter = time.Second
	exitMissed = 3 // of ringcast sub, which says so when messages were missed
	// pauseWindow is how many bytes A's forwarder keeps for repairs: with its default of 32 MiB
	// all would be made good that the pause can hold up.
	pauseWindow = 4 << 20
)

// pauseElsewhere runs the part in a process of its own, which goes into network namespaces
// where this host allows them.
func pauseElsewhere(ctx context.Context, s settings) error {
	cmd := exec.CommandContext(ctx, s.self, "-part", "pause", "-bin", s.bin, "-work", s.work, "-seed", strconv.FormatUint(s.seed, 10),
		"-fault", s.fault, "-pause", s.pause.String())
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd.Run()
}

// pauseInside is that process: it returns its exit code.
func pauseInside(ctx context.Context, s settings) int {
	play := func() int {
		if err := run(ctx, s); err != nil {
			fmt.Fprintf(os.Stderr, "%v\n", err)
			return 1
		}
		return 0
	}
	code, err := netlab.Main(func() int {
		lab, err := netlab.New(3)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer lab.Close()
		s.lab = lab
		return play()
	})
	var missing *netlab.MissingError
	switch {
	case errors.As(err, &missing):
		fmt.Printf("\n%v: the next part is on loopback, too\n", missing)
		return play()
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// pausePart stops everything on one of three nodes in the middle of a stream, and lets it
// go on: the others must not notice, and it must learn exactly what it has missed.
func pausePart(ctx context.Context, s settings) error {
	fmt.Printf("\n== pause: %d messages of %d bytes a second, A to subscribers on B and C; all processes of C are stopped for %v;\n"+
		"   forwarders keep %d MiB for repairs, %.1f s of the stream\n", pauseRate, pauseSize, s.pause, pauseWindow>>20, float64(pauseWindow)/pauseRate/pauseSize)
	s.window = pauseWindow
	nodes, err := startNodes(s, "A", "B", "C")
	if err != nil {
		return firstError(err, end(nodes...))
	}
	p := &paused{settings: s, a: nodes[0], b: nodes[1], c: nodes[2], count: int64(pauseRate * (2*pauseAfter + s.pause).Seconds())}
	err = p.play(ctx)
	ended := end(nodes...)
	if err := firstError(err, ended); err != nil {
		return err
	}
	p.print()
	return p.verdict()
}

// A paused is the part as it goes on.
type paused struct {
	settings
	a, b, c         *node
	pub, subB, subC *process
	count           int64
	back            time.Duration
	lost            uint64 // frames, by nftables
	sent            toolResult
	gotB, gotC      toolResult
}

func (p *paused) play(ctx context.Context) (err error) {
	if p.lab != nil {
		if err := p.lab.LoseInto(pauseLoss); err != nil {
			return err
		}
	}
	for _, sub := range []struct {
		at *node
		to **process
	}{{p.b, &p.subB}, {p.c, &p.subC}} {
		if *sub.to, err = sub.at.start(p.settings, "sub-"+sub.at.name, "ringcast", "sub", pauseTopic, "--shm-dir", sub.at.dir,
			"--domain", demoDomain, "--latency", "--json", "--quiet"); err != nil {
			return err
		}
		if err := sub.at.subscribed(ctx, pauseTopic); err != nil {
			return err
		}
	}
	if err := p.a.awaitWants(ctx, pauseTopic, 2); err != nil {
		return err
	}
	if p.pub, err = p.a.start(p.settings, "pub-A", "ringcast", "pub", pauseTopic, "--shm-dir", p.a.dir, "--domain", demoDomain,
		"--size", strconv.Itoa(pauseSize), "--count", strconv.FormatInt(p.count, 10), "--rate", strconv.Itoa(pauseRate), "--timestamps", "--json"); err != nil {
		return err
	}
	time.Sleep(pauseAfter)
	if err := p.stopAndGo(ctx); err != nil {
		return err
	}
	return p.finish(ctx)
}

// stopAndGo pauses node C and measures how long it then takes to be back.
func (p *paused) stopAndGo(ctx context.Context) error {
	all := []*process{p.c.forwarder, p.subC}
	for _, q := range all {
		_ = q.cmd.Process.Signal(syscall.SIGSTOP)
	}
	select {
	case <-time.After(p.pause):
	case <-ctx.Done():
	}
	before, _ := p.c.reader(pauseTopic)
	begin := time.Now()
	for _, q := range all {
		_ = q.cmd.Process.Signal(syscall.SIGCONT)
	}
	// Back: it has read something new, and all that is there.
	for ; time.Since(begin) < 10*time.Second && ctx.Err() == nil; time.Sleep(time.Millisecond) {
		if r, ok := p.c.reader(pauseTopic); ok && r.Position > before.Position+before.Behind && r.Behind < pauseRate/100 {
			p.back = time.Since(begin)
			return nil
		}
	}
	return errors.New("the subscriber on C is not back")
}

// reader is the state of the only subscription to a topic on the node.
func (n *node) reader(topic string) (r ringcast.ReaderState, ok bool) {
	s, err := ringcast.Inspect(&ringcast.Config{Dir: n.dir, Domain: demoDomain})
	if err != nil {
		return r, false
	}
	for _, t := range s.Topics {
		if t.Name == topic && len(t.Readers) > 0 {
			return t.Readers[0], true
		}
	}
	return r, false
}

// finish waits for the publisher and ends the subscribers.
func (p *paused) finish(ctx context.Context) error {
	if err := errors.Join(p.pub.wait(ctx), p.pub.result(&p.sent)); err != nil {
		return err
	}
	time.Sleep(500 * time.Millisecond)
	missed := p.subC.stop()
	var exit *exec.ExitError
	if errors.As(missed, &exit) && exit.ExitCode() == exitMissed {
		missed = nil
	}
	if err := errors.Join(p.subB.stop(), missed, p.subB.result(&p.gotB), p.subC.result(&p.gotC)); err != nil {
		return err
	}
	if p.lab == nil {
		return nil
	}
	counts, err := p.lab.Drops()
	p.lost = netlab.Lost(counts)
	return err
}

func (p *paused) print() {
	fmt.Printf("%-22s %12s %12s %12s %10s %10s\n", "", "messages", "p50, us", "p99, us", "told", "missing")
	for _, row := range []struct {
		name string
		t    toolResult
	}{{"published on A", p.sent}, {"subscriber on B", p.gotB}, {"subscriber on C", p.gotC}} {
		fmt.Printf("%-22s %12d %12.1f %12.1f %10d %10d\n", row.name, row.t.Messages, us(row.t.Latency.P50), us(row.t.Latency.P99),
			row.t.Lagged+row.t.Lost, row.t.Gaps)
	}
	fmt.Printf("%-22s %v after it went on\n", "C was back", p.back.Round(time.Millisecond))
	if p.lab != nil {
		fmt.Printf("%-22s %d lost by nftables in network namespaces, 1500 bytes each at most\n", "frames", p.lost)
	}
}

// verdict is nil only if B has everything and C was told of all that it has not.
func (p *paused) verdict() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	c := p.gotC
	check(p.sent.Messages == p.count, "published %d of %d", p.sent.Messages, p.count)
	check(p.gotB.Messages == p.count, "B got %d of %d, though nothing of it was stopped", p.gotB.Messages, p.count)
	check(c.Messages+c.Gaps == p.count, "C got %d messages and misses %d of %d", c.Messages, c.Gaps, p.count)
	check(c.Gaps > 0, "C missed nothing: it was not put out")
	check(c.Lagged+c.Lost >= c.Gaps, "C misses %d messages and was told of %d", c.Gaps, c.Lagged+c.Lost)
	check(p.lab == nil || p.lost > 0, "nftables lost nothing")
	return errors.Join(errs...)
}
