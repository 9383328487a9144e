package places

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ringcast/ringcast"
	"golang.org/x/sys/unix"
)

// mount DIR OPTIONS: a tmpfs with these options, in the puppet's own namespace.
func (a *actor) mount(words []string) (string, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "", fmt.Errorf("make mounts private: %w", err)
	}
	return "", unix.Mount("ringcast-test", words[0], "tmpfs", 0, words[1])
}

// fill DIR: writes a file until the file system is full.
func (a *actor) fill(words []string) (string, error) {
	f, err := os.Create(filepath.Join(words[0], "rest"))
	if err != nil {
		return "", err
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for err == nil {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, unix.ENOSPC) {
			return "", err
		}
		err = nil
	}
	return "", nil
}

// limit NAME N: sets one of the limits of this process; the address space's is what
// it has now and N more.
func (a *actor) limit(words []string) (string, error) {
	n, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		return "", err
	}
	resource := map[string]int{"nofile": unix.RLIMIT_NOFILE, "fsize": unix.RLIMIT_FSIZE, "as": unix.RLIMIT_AS}[words[0]]
	if words[0] == "as" {
		b, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			return "", err
		}
		pages, _ := strconv.ParseUint(strings.Fields(string(b))[0], 10, 64)
		n += pages * uint64(os.Getpagesize())
	}
	return "", unix.Setrlimit(resource, &unix.Rlimit{Cur: n, Max: n})
}

// populate N [SLOTSIZE]: opens publishers of N topics t0, t1, ... and answers how many it got,
// with the error that ended it, and how long that took.
func (a *actor) populate(words []string) (string, error) {
	n, err := strconv.Atoi(words[0])
	if err != nil {
		return "", err
	}
	size, _ := strconv.Atoi(word(words, 1))
	for i := range n {
		begin := time.Now()
		p, err := a.bus.Publisher(fmt.Sprintf("t%d", i), &ringcast.PublisherConfig{SlotSize: size})
		if err != nil {
			return fmt.Sprintf("%d, then after %d us: %v", i, time.Since(begin).Microseconds(), err), nil
		}
		a.pubs = append(a.pubs, p)
	}
	return fmt.Sprint(n), nil
}

// laps N: publishes N laps, each touching every page, into each topic of populate, and reads them.
func (a *actor) laps(words []string) (string, error) {
	n, err := strconv.Atoi(words[0])
	if err != nil {
		return "", err
	}
	for _, p := range a.pubs {
		if err := a.lap(p, n*1024); err != nil {
			return "", err
		}
	}
	return "", nil
}

func (a *actor) lap(p *ringcast.Publisher, messages int) error {
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	sub, err := a.bus.Subscribe(p.Topic(), nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	payload := make([]byte, 8) // a slot begins in every page
	for i := range messages {
		payload[0], payload[7] = byte(i), byte(i)
		if err := p.Publish(ctx, payload); err != nil {
			return err
		}
		m, err := sub.Next(ctx)
		if err != nil {
			return err
		}
		if b := m.Payload(); b[0] != byte(i) || b[7] != byte(i) {
			return fmt.Errorf("message %d is %d and %d", i, b[0], b[7])
		}
	}
	return nil
}
