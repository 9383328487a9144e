//go:build linux

package udp

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A reader to whom little comes sleeps in the runtime's poller, where it holds no thread and
// no processor of the runtime. To come back from a sleep of its own costs an idle program more than
// the datagram: the runtime wakes its monitor thread first, which naps some four times until it has seen that all
// is idle again (doc/decisions/290). Where much comes a sleep of its own is faster, since the reader keeps
// its processor; and where the program is busy with something else, the poller is asked late.
const (
	// hotApart and hotSleeps say what much is: so many sleeps, each begun so soon after the one before. They are
	// more than a word of the directory brings with its first heartbeats and their answers.
	hotApart  = int64(2 * time.Millisecond)
	hotSleeps = 8

	// slumberMin is the shortest sleep for which the timer is set.
	slumberMin = int64(time.Millisecond)
)

// pollTimer is the timer's place behind the descriptors.
const pollTimer = pollCount

// A slumber is where such a reader sleeps. It belongs to the reading goroutine.
type slumber struct {
	fd     int      // an epoll instance of the reader's descriptors and of timer
	file   *os.File // its owner, itself in the runtime's poller
	raw    syscall.RawConn
	timer  int // a timerfd: the poller's own timers count in whole milliseconds
	look   func(uintptr) bool
	events [pollCount + 1]unix.EpollEvent
	found  int // of events, at the last look
	errno  syscall.Errno
	hushed bool // datagrams end no slumber
}

// open makes the epoll instance. Close is to be called in any case.
func (s *slumber) open(fds []unix.PollFd) error {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("udp: epoll: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.NewFile would not poll it
		unix.Close(fd)
		return fmt.Errorf("udp: epoll: %w", err)
	}
	s.fd, s.file = fd, os.NewFile(uintptr(fd), "datagrams")
	if err := s.file.SetReadDeadline(time.Time{}); err != nil { // is it polled?
		return fmt.Errorf("udp: epoll: %w", err)
	}
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return fmt.Errorf("udp: epoll: %w", err)
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return fmt.Errorf("udp: timer: %w", err)
	}
	s.look = s.lookOnce
	for which := range fds {
		if err := s.add(which, int(fds[which].Fd)); err != nil {
			return err
		}
	}
	return s.add(pollTimer, s.timer)
}

// add has the sleep end when a descriptor is readable, which is known by its place.
func (s *slumber) add(which, fd int) error { return s.control(unix.EPOLL_CTL_ADD, which, fd) }

// replaced has it end by the socket that has the descriptor now; the old one left with its own.
func (s *slumber) replaced(which, fd int) error {
	if s.hushed {
		return nil
	}
	return s.add(which, fd)
}

func (s *slumber) control(call, which, fd int) error {
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(which)}
	if err := unix.EpollCtl(s.fd, call, fd, &event); err != nil {
		return fmt.Errorf("udp: epoll: %w", err)
	}
	return nil
}

// hush has datagrams end no slumber, or end them again, also those that are there already. While the reader sleeps in a
// call of its own, each of them would wake the thread that waits in the runtime's poller, too, for nothing. The sockets leave
// the instance for it: of one that only asks for nothing the kernel still goes through its list and locks, with each datagram.
func (s *slumber) hush(quiet bool, fds []unix.PollFd) error {
	if s.hushed == quiet {
		return nil
	}
	s.hushed = quiet
	call := unix.EPOLL_CTL_ADD
	if quiet {
		call = unix.EPOLL_CTL_DEL
	}
	for _, which := range [...]int{pollSend, pollRecv} {
		if err := s.control(call, which, int(fds[which].Fd)); err != nil {
			return err
		}
	}
	return nil
}

// lookOnce asks what is readable, without waiting; false has the poller wait.
func (s *slumber) lookOnce(uintptr) bool {
	s.found, s.errno = epollLook(s.fd, s.events[:])
	return s.found > 0 || s.errno != 0
}

// sleep waits until a descriptor is readable, for d ns at most unless that is negative, and
// marks in fds which are. It doesn't allocate.
func (s *slumber) sleep(d int64, fds []unix.PollFd) error {
	if err := s.hush(false, fds); err != nil {
		return err
	}
	if errno := setTimer(s.timer, d); errno != 0 {
		return fmt.Errorf("udp: timer: %w", errno)
	}
	if err := s.raw.Read(s.look); err != nil {
		return fmt.Errorf("udp: wait for datagrams: %w", err)
	}
	if s.errno != 0 {
		return fmt.Errorf("udp: wait for datagrams: %w", s.errno)
	}
	for _, e := range s.events[:s.found] {
		if e.Fd != pollTimer {
			fds[e.Fd].Revents = int16(e.Events)
		}
	}
	return nil
}

func (s *slumber) close() {
	if s.file != nil {
		s.file.Close()
	}
	if s.timer > 0 {
		unix.Close(s.timer)
	}
	s.file, s.timer = nil, 0
}

// SetIdle says whether the rest of the program does nothing just now: ReadBatch then costs little where little
// comes. Until it is called, and while idle is false, ReadBatch sleeps in a call of its own. It may be used by any
// goroutine and counts from the next sleep on.
func (c *Conn) SetIdle(idle bool) { c.idle.Store(idle) }

// calm notes that a sleep begins, and says whether it is one of a reader to whom little comes.
func (r *readState) calm(now, end int64) bool {
	if now-r.slept < hotApart {
		r.hot = min(r.hot+1, hotSleeps)
	} else {
		r.hot = 0
	}
	r.slept = now
	return r.hot < hotSleeps && end-now >= slumberMin
}
