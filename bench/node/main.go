package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast/bench"
)

// A Peer is how a peer's program opens its links.
type Peer struct {
	// Begin starts what all processes need, and returns where it is; end ends it.
	Begin func(w *Work) (place string, end func(), err error)
	// Open joins, and waits until its partners are there.
	Open func(w *Work) (Link, error)
}

// Main is the main function of a peer's program.
func (p Peer) Main() {
	w, err := parse(os.Args[1:])
	if err == nil {
		if w.Role != "" {
			err = p.child(w)
		} else {
			err = p.parent(w)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pageFile is the descriptor that children inherit.
const pageFile = 3

func (p Peer) child(w *Work) (err error) {
	if w.page, err = mapPage(pageFile); err != nil {
		return err
	}
	l, err := p.Open(w)
	if err != nil {
		return err
	}
	a, err := w.do(l)
	return errors.Join(err, json.NewEncoder(os.Stdout).Encode(a))
}

// A started child.
type started struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func (p Peer) parent(w *Work) error {
	roles, err := w.roles()
	if err != nil || len(roles) == 0 {
		return errors.Join(err, errors.New("nothing to do"))
	}
	f, err := newPage()
	if err != nil {
		return err
	}
	if w.page, err = mapPage(int(f.Fd())); err != nil {
		return err
	}
	place, end, err := p.Begin(w)
	if err != nil {
		return err
	}
	defer end()
	children, ended := []*started{}, make(chan error, len(roles))
	defer func() {
		for _, c := range children {
			_ = c.cmd.Process.Kill() // who has not ended by himself
		}
	}()
	index := make(map[Role]int)
	for _, role := range roles {
		c, err := start(role, index[role], place, f, ended)
		if err != nil {
			return err
		}
		index[role]++
		children = append(children, c)
	}
	go func() {
		for w.page.ready.Load() < uint32(len(roles)) {
			time.Sleep(200 * time.Microsecond)
		}
		fmt.Println("ready")
		time.Sleep(w.Hold)
		w.page.begun.Store(1)
	}()
	for range children {
		if err := <-ended; err != nil {
			return err
		}
	}
	return print(children)
}

func start(role Role, index int, place string, page *os.File, ended chan<- error) (*started, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := append(append([]string{}, os.Args[1:]...), "--role", string(role), "--index", strconv.Itoa(index), "--place", place)
	c := &started{cmd: exec.Command(self, args...)}
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.ExtraFiles = &c.out, os.Stderr, []*os.File{page}
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { ended <- c.cmd.Wait() }()
	return c, nil
}

// print adds the accounts up.
func print(children []*started) error {
	var f bench.Figure
	var tails []float64
	sum := newHistogram()
	for _, c := range children {
		var a account
		if err := json.Unmarshal(c.out.Bytes(), &a); err != nil {
			return fmt.Errorf("account: %w", err)
		}
		f.Rate, f.Missing = f.Rate+a.Rate, f.Missing+a.Missing
		tails = append(tails, a.Tails...)
		if a.Histogram == "" {
			continue
		}
		h, err := hdrhistogram.Decode([]byte(a.Histogram))
		if err != nil {
			return fmt.Errorf("account: %w", err)
		}
		sum.Merge(h)
	}
	if n := sum.TotalCount(); n > 0 {
		at := sum.ValueAtQuantile
		f.Latency = &bench.Percentiles{Count: n, Min: sum.Min(), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), P9999: at(99.99), Max: sum.Max()}
	}
	f.Tail = bench.TailOf(tails, bench.StallAbove)
	return json.NewEncoder(os.Stdout).Encode(f)
}
