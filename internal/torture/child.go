//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// childVariable tells a process of this program that it is a child, and which.
const childVariable = "RINGCAST_TORTURE_CHILD"

// A task is what a child is told.
type task struct {
	Role  string
	Base  string
	Slot  int
	Seed  uint64
	Topic string
	Shape ring.Shape
	Fault string // a mistake to make on purpose: drop, double, tear, alter
	Small bool   // messages of one slot only
	Rings int    // of the role idle
	Calm  bool   // obey no named point

	Witness bool // lives all the time, and must notice nothing
}

// roles are the programs that children run.
var roles = map[string]func(*child) error{
	"produce": (*child).produce,
	"read":    (*child).read,
	"sweep":   (*child).sweep,
	"storm":   (*child).storm,
	"wake":    (*child).wake,
	"doze":    (*child).doze,
	"idle":    (*child).idle,
	"work":    (*child).work,
	"call":    (*child).call,
}

// A child is a process that is there to be stopped and killed.
type child struct {
	task
	board  *board
	rng    *rand.Rand
	ctx    context.Context // ends with the standard input
	domain *shm.Domain
	self   *shm.Participant
	file   *ring.File
	waiter *ring.Waiter
	buf    []byte
	bufs   [maxBatch][]byte // of a batch
	began  uint64           // when it began to join
	left   chan struct{}    // closed when it leaves
	rang   sync.WaitGroup   // for who rings our bell
}

// childMain runs the role that the environment names; false if this is no child.
func childMain() (code int, isChild bool) {
	text := os.Getenv(childVariable)
	if text == "" {
		return 0, false
	}
	c := &child{buf: make([]byte, 64<<10)}
	err := json.Unmarshal([]byte(text), &c.task)
	if err == nil {
		err = c.run()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s %d: %v\n", c.Role, c.Slot, err)
		return 3, true
	}
	return 0, true
}

func (c *child) run() (err error) {
	if c.board, err = openBoard(c.Base); err != nil {
		return err
	}
	if !c.Calm {
		if err := install(c.board, c.Base); err != nil {
			return err
		}
	}
	c.rng = rand.New(rand.NewPCG(c.Seed, uint64(c.Slot)))
	ctx, cancel := context.WithCancel(context.Background())
	c.ctx = ctx
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	role := roles[c.Role]
	if role == nil {
		return fmt.Errorf("no role %q", c.Role)
	}
	return role(c)
}

// monotonic is a clock that all processes share, in ns.
func monotonic() uint64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return uint64(ts.Nano())
}

// word is one of our words on the board.
func (c *child) set(word int, v uint64) { c.board.at(c.Slot, word).Store(v) }

func (c *child) add(word int) { c.board.at(c.Slot, word).Add(1) }

// domainConfig is the domain of a scene.
func domainConfig(base string) *shm.Config {
	return &shm.Config{Base: filepath.Join(base, "shm"), Domain: "torture"}
}

func topicPath(d *shm.Domain, name string) string { return filepath.Join(d.Dir(), "topics", name) }

// join opens the domain and takes part.
func (c *child) join() (err error) {
	c.began = monotonic()
	if c.domain, err = shm.OpenDomain(domainConfig(c.Base)); err != nil {
		return err
	}
	if c.self, err = c.domain.Join(shm.Info{Name: c.Role}); err != nil {
		return err
	}
	c.set(slotGen, uint64(c.self.Generation()))
	c.set(slotIndex, uint64(c.self.Index())+1)
	c.left = make(chan struct{})
	c.rang.Go(func() { // the end wakes whoever sleeps
		select {
		case <-c.ctx.Done():
			c.self.Doorbell().Ring()
		case <-c.left:
		}
	})
	c.waiter = ring.NewWaiter(c.self.Doorbell(), ring.Block)
	return nil
}

// openTopic opens the task's ring; a remover that was stopped in mid-work keeps an
// opener out until it goes on, which is no fault.
func (c *child) openTopic(name string, o ring.FileOptions) (*ring.File, error) {
	for {
		f, err := ring.OpenFile(topicPath(c.domain, name), ring.NewHost(c.self), o)
		if err == nil && c.board.at(c.Slot, slotOpened).Load() == 0 {
			c.set(slotOpened, monotonic()-c.began)
		}
		if err == nil || !passing(err) || c.ctx.Err() != nil {
			return f, err
		}
		time.Sleep(time.Millisecond)
	}
}

// passing reports whether an error of opening is of a moment in which somebody
// stands still who is about to make, replace or remove the ring.
func passing(err error) bool {
	var retired *shm.RetiredError
	return errors.Is(err, shm.ErrInUse) || errors.As(err, &retired) || errors.Is(err, fs.ErrNotExist) ||
		errors.Is(err, fs.ErrExist)
}

// enter joins and opens the task's topic, and says how long that took.
func (c *child) enter(write bool) error {
	err := c.join()
	if err == nil {
		c.file, err = c.openTopic(c.Topic, ring.FileOptions{Shape: c.Shape, Write: write})
	}
	if err != nil {
		return err
	}
	c.set(slotReady, 1)
	return nil
}

// leave gives everything back, in order.
func (c *child) leave() error {
	var errs []error
	if c.file != nil {
		errs = append(errs, c.file.Close())
	}
	if generation, live := c.domain.State(c.self.Index()); !live || generation != c.self.Generation() {
		errs = append(errs, fmt.Errorf("declared dead: record %d has generation %d instead of %d, live: %v",
			c.self.Index(), generation, c.self.Generation(), live))
	}
	close(c.left)
	c.rang.Wait()
	errs = append(errs, c.self.Close(), c.domain.Close())
	return errors.Join(errs...)
}

// pause sleeps, or ends with the child.
func (c *child) pause(d time.Duration) {
	select {
	case <-c.ctx.Done():
	case <-time.After(d):
	}
}
