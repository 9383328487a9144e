package ring

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/shm"
)

const (
	childRole = "RINGCAST_RING_TEST_ROLE"
	childBase = "RINGCAST_RING_TEST_BASE"
	childSeed = "RINGCAST_RING_TEST_SEED"
	seedFlag  = "RINGCAST_SEED"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(childRole); role != "" {
		if err := childMain(role); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			os.Exit(3)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// killShape is small, so that a producer is in every state often.
var killShape = Shape{Slots: 64, Payload: 128, StallBudget: time.Minute}

func childMain(role string) error {
	if role == "bench" {
		return benchChildMain()
	}
	d, err := shm.OpenDomain(&shm.Config{Base: os.Getenv(childBase), Domain: "kill"})
	if err != nil {
		return err
	}
	if role == "sweep" {
		fmt.Println("ready")
		for {
			if _, err := Sweep(d); err != nil {
				return err
			}
		}
	}
	p, err := d.Join(shm.Info{Name: role})
	if err != nil {
		return err
	}
	f, err := OpenFile(filepath.Join(d.Dir(), "topics", "t"), NewHost(p), FileOptions{Shape: killShape, Write: true})
	if err != nil {
		return err
	}
	switch role {
	case "read":
		return childRead(p, f)
	case "work":
		return childWork(p, f)
	}
	return childProduce(p, f)
}

// childProduce publishes until its standard input ends, and writes each number
// that was acknowledged to its standard output.
func childProduce(self *shm.Participant, f *File) error {
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel() }()
	p, err := f.NewProducer(self.Address())
	if err != nil {
		return err
	}
	seed, _ := strconv.ParseUint(os.Getenv(childSeed), 10, 64)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := NewWaiter(self.Doorbell(), Block)
	buf := make([]byte, 1000)
	var ack [8]byte
	fmt.Printf("%v\n", p.Address())
	for ctx.Err() == nil {
		size := rng.IntN(120)
		if rng.IntN(8) == 0 {
			size = rng.IntN(1000)
		}
		err := p.TryPublish(payloadOf(buf, max(8, size), p.Sequence()+1), &Meta{})
		switch {
		case err == nil:
			binary.LittleEndian.PutUint64(ack[:], p.Sequence())
			if _, err := os.Stdout.Write(ack[:]); err != nil {
				return err
			}
		case err == ErrFull || err == ErrStalled || err == ErrFenced:
			if err := w.AwaitRoom(ctx, p, 1+size/killShape.Payload); err != nil && ctx.Err() == nil {
				return err
			}
		default:
			return err
		}
	}
	return f.Close()
}

// childRead reads without ever looking, until it is killed.
func childRead(self *shm.Participant, f *File) error {
	rd, err := f.Join(JoinOptions{})
	if err != nil {
		return err
	}
	fmt.Println("ready")
	w := NewWaiter(self.Doorbell(), Block)
	for {
		if err := rd.Next(&Message{}); err == ErrEmpty {
			_ = w.Await(context.Background(), []*Reader{rd})
		}
	}
}

// A child is one process of the test binary.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	first string        // what it said first
	acked chan uint64   // the last number acknowledged, when it has ended
	last  *lastAck      // the same while it runs
	out   *bufio.Reader // its standard output
}

type lastAck struct {
	mu sync.Mutex
	n  uint64
}

func startChild(t *testing.T, base, role string, seed uint64) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childRole+"="+role, childBase+"="+base, fmt.Sprintf("%s=%d", childSeed, seed))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: cmd, stdin: stdin, acked: make(chan uint64, 1), last: &lastAck{}, out: bufio.NewReader(stdout)}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("%s said nothing: %v", role, err)
	}
	c.first = strings.TrimSpace(line)
	go c.drain()
	return c
}

// drain follows the acknowledged numbers.
func (c *child) drain() {
	var b [8]byte
	for {
		if _, err := io.ReadFull(c.out, b[:]); err != nil {
			c.acked <- c.last.n
			return
		}
		c.last.mu.Lock()
		c.last.n = binary.LittleEndian.Uint64(b[:])
		c.last.mu.Unlock()
	}
}

func (c *child) sent() uint64 {
	c.last.mu.Lock()
	defer c.last.mu.Unlock()
	return c.last.n
}

// kill kills it and returns the last number that it said.
func (c *child) kill() uint64 {
	_ = c.cmd.Process.Signal(syscall.SIGKILL)
	n := <-c.acked
	_ = c.cmd.Wait()
	return n
}

// stop lets it end by itself.
func (c *child) stop() uint64 {
	_ = c.stdin.Close()
	n := <-c.acked
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("child: %v", err)
	}
	return n
}
