package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

func joinAs(base, name string) (*Domain, *Participant, error) {
	d, err := OpenDomain(&Config{Base: base})
	if err != nil {
		return nil, nil, err
	}
	p, err := d.Join(Info{Name: name})
	if err != nil {
		return nil, nil, err
	}
	fmt.Println("joined", p.Index(), p.Generation())
	return d, p, nil
}

// roleJoin BASE: joins and stays until it is told to leave.
func roleJoin(args []string) error {
	d, p, err := joinAs(args[0], "child "+strconv.Itoa(os.Getpid()))
	if err != nil {
		return err
	}
	if waitForInput() == "leave" {
		return errors.Join(p.Close(), d.Close())
	}
	return nil
}

// roleDieInIt BASE: joins and leaves without end, with all that a participant
// may have, to be killed anywhere.
func roleDieInIt(args []string) error {
	d, err := OpenDomain(&Config{Base: args[0]})
	if err != nil {
		return err
	}
	info := Info{Name: "mayfly"}
	for range 200 {
		info.Interests = append(info.Interests, Interest{Name: "some.topic.or.other", Publisher: true})
	}
	fmt.Println("joined 0 0")
	for {
		p, err := d.Join(info)
		if err != nil {
			return err
		}
		c, err := d.Counters(p)
		if err != nil {
			return err
		}
		c.Register(1, "mayfly").Add(1)
		if err := p.Close(); err != nil {
			return err
		}
	}
}

// roleSleep BASE: says when the doorbell word is not what it was, and again.
func roleSleep(args []string) error {
	_, p, err := joinAs(args[0], "sleeper")
	if err != nil {
		return err
	}
	bell := p.Doorbell()
	seen := bell.Load()
	for {
		for !bell.Wait(seen, time.Second) {
		}
		seen = bell.Load()
		fmt.Println("woken", seen)
	}
}

// roleCount BASE: counts to 7 where others can see it.
func roleCount(args []string) error {
	d, p, err := joinAs(args[0], "counter")
	if err != nil {
		return err
	}
	c, err := d.Counters(p)
	if err != nil {
		return err
	}
	c.Register(3, "messages").Add(7)
	fmt.Println("counted")
	waitForInput()
	return nil
}

// roleForward BASE: takes the forwarder's seat, writes rows for ever.
func roleForward(args []string) error {
	d, p, err := joinAs(args[0], "forwarder")
	if err != nil {
		return err
	}
	s, err := d.ClaimForwarder(p)
	if err != nil {
		return err
	}
	fmt.Println("session", s.Session())
	for n := uint64(1); ; n++ {
		ring := n%1000 + 1
		producer := Address{Node: uint32(ring), Epoch: 1, Index: uint16(ring), Generation: 1}
		peer := uint32(ring % 500)
		err := errors.Join(s.SetCursor(ring, 1000*n+ring), s.SetStream(ring, producer, 1000*n+ring),
			s.SetPeer(peer, 0, n, 1000*n+uint64(peer)),
			s.WriteDirectory(directoryOf(n)))
		if err != nil {
			return err
		}
		if n%5000 == 0 {
			s.SweepCursors(func(uint64) bool { return false })
			s.SweepStreams(func(uint64, Address) bool { return false })
			s.SweepPeers(func(uint32, uint32) bool { return false })
		}
	}
}

// roleUnwritable BASE: as somebody without rights, tries to open a domain and
// prints the error.
func roleUnwritable(args []string) error {
	if os.Geteuid() == 0 {
		const nobody = 65534
		if err := errors.Join(syscall.Setgroups(nil), syscall.Setresgid(nobody, nobody, nobody),
			syscall.Setresuid(nobody, nobody, nobody)); err != nil {
			return err
		}
	}
	_, err := OpenDomain(&Config{Base: args[0]})
	fmt.Println(errors.Is(err, fs.ErrPermission), err)
	return nil
}

// roleTiny MOUNTPOINT: in a mount namespace of its own, opens a domain on a file
// system of one megabyte.
func roleTiny(args []string) error {
	if err := unix.Mount("ringcast-test", args[0], "tmpfs", 0, "size=1m"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	_, err := OpenDomain(&Config{Base: args[0]})
	var full *NoSpaceError
	if !errors.As(err, &full) || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("open domain on a full file system: %w", err)
	}
	if full.Free > 1<<20 || full.Need < 4<<20 {
		return fmt.Errorf("numbers are wrong: %+v", full)
	}
	return writeReservedPages(args[0])
}

// writeReservedPages makes a segment, fills up the file system, then writes all
// of the segment: its pages are its own, so there is no SIGBUS.
func writeReservedPages(dir string) error {
	s, err := Create(Spec{Path: filepath.Join(dir, "reserved"), Kind: layout.SegmentKindCounters, Size: 512 << 10})
	if err != nil {
		return err
	}
	rest, err := os.Create(filepath.Join(dir, "rest"))
	if err != nil {
		return err
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	for i := layout.SegmentHeaderSize; i < len(s.Bytes()); i++ {
		s.Bytes()[i] = 0xa5
	}
	fmt.Println("no space is an error, and reserved pages are ours")
	return nil
}

// roleCreate PATH: makes and removes one segment without end, to be killed anywhere.
func roleCreate(args []string) error {
	fmt.Println("joined 0 0")
	spec := Spec{Path: args[0], Kind: layout.SegmentKindCounters, Size: 1 << 16,
		Fill: func(b []byte) { b[len(b)-1] = 0xee }}
	for {
		s, err := Create(spec)
		if errors.Is(err, fs.ErrExist) {
			s, err = Open(spec.Path, spec.Kind, true)
		}
		var retired *RetiredError
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errChanging) || errors.As(err, &retired) {
			continue
		}
		if err != nil {
			return err
		}
		if b := s.Bytes(); b[len(b)-1] != 0xee {
			return errors.New("somebody saw half a segment")
		}
		if err := s.Remove(); err != nil && !errors.Is(err, ErrInUse) {
			return err
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
}
