//go:build linux

package shm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Periods of a watch. A bell tells of a death within a millisecond; the periods
// are for what has no bell.
const (
	// idleTick is how often the table is looked at when nothing happens. Who
	// joins is told by his bell, which is hung up before and touched after he
	// is LIVE; the ticks between are for those who do not touch it.
	idleTick = time.Second
	// joinTick is the first look after a bell was hung up or touched; the next
	// ones come at twice the distance each.
	joinTick = time.Millisecond
	// blindTick is how often the table is looked at where the system does not
	// tell of new bells. Who joins and dies in between is found dead by the
	// tick: so it is less than the 50 ms in which a death is known.
	blindTick = 40 * time.Millisecond
	// suspectTick is how often the kernel is asked about those whose bell is
	// missing or was let go while the lock is still held.
	suspectTick = 5 * time.Millisecond
	// hungUpTick is the first of these questions: a process that ends closes its
	// bell and its lock some microseconds apart.
	hungUpTick = 200 * time.Microsecond
)

// Deaths calls fn with the index of every participant that dies, once for each,
// those that are dead and not freed when it begins among them, until the
// context ends, whose error it returns. A death is known within a millisecond or
// so; nobody living is reported; one that leaves by Close is not. Deaths that
// another process has recovered and freed first are not reported.
//
// It sleeps in the runtime's poller and takes no thread. fn may call Free.
func (d *Domain) Deaths(ctx context.Context, fn func(index uint16)) error {
	return d.Watch(ctx, fn, func() {})
}

// Watch is Deaths that also calls changed after each look at the table that followed a
// change of it, or a tick: somebody may have joined, left, or been freed by another.
func (d *Domain) Watch(ctx context.Context, died func(index uint16), changed func()) error {
	w, err := newWatch(d, died)
	if err != nil {
		return fmt.Errorf("watch participants: %w", err)
	}
	defer w.close()
	stop := context.AfterFunc(ctx, func() { _ = w.poll.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	for ctx.Err() == nil {
		news := w.scan()
		w.ask()
		if news {
			changed()
		}
		if err := w.sleep(ctx); err != nil {
			return fmt.Errorf("watch participants: %w", err)
		}
	}
	return ctx.Err()
}

// A watch is the state of one call of Deaths.
type watch struct {
	domain  *Domain
	fn      func(uint16)
	poll    *os.File // the epoll instance, itself in the runtime's poller
	raw     syscall.RawConn
	seen    []watched // by index
	changes uint64
	whole   bool          // the next look is at all records, whatever Changes says
	bells   int           // inotify descriptor of the directory of bells, or -1
	tick    time.Duration // until the next look at the table

	suspects int           // entries in state watchSuspect
	pause    time.Duration // until they are asked about again
}

// A watched is one participant as the watch knows it.
type watched struct {
	generation uint32
	state      watchState
	bell       int // descriptor, where the state is watchBell
}

type watchState uint8

const (
	watchNothing watchState = iota // no participant that was LIVE
	watchBell                      // its bell is listened to
	watchSuspect                   // it has no bell to listen to: ask the kernel
	watchDead                      // reported
)

func newWatch(d *Domain, fn func(uint16)) (*watch, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or os.NewFile would not poll it
		closeFD(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	w := &watch{domain: d, fn: fn, poll: os.NewFile(uintptr(fd), "participants"),
		seen: make([]watched, d.table.count), whole: true, bells: -1, tick: joinTick}
	if w.raw, err = w.poll.SyscallConn(); err != nil {
		_ = w.poll.Close()
		return nil, err
	}
	w.watchBells()
	return w, nil
}

// newBells marks the event of the directory of bells; others bear an index.
const newBells = -1

// watchBells has the kernel tell of new bells. Where it can't (a user may have
// so many watches) the table is looked at more often.
func (w *watch) watchBells() {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	_, err = unix.InotifyAddWatch(fd, w.domain.path("live"), unix.IN_MOVED_TO|unix.IN_ATTRIB|unix.IN_CREATE)
	if err == nil && w.control(func(poll int) error {
		return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: newBells})
	}) {
		w.bells = fd
		return
	}
	closeFD(fd)
}

// bellHung takes note of new bells; which they are, the table says.
func (w *watch) bellHung() {
	var b [4096]byte
	for {
		if n, err := unix.Read(w.bells, b[:]); n <= 0 && !errors.Is(err, unix.EINTR) {
			break
		}
	}
	w.tick = joinTick
}

// nextTick returns how long to wait for an event.
func (w *watch) nextTick() time.Duration {
	switch {
	case w.whole:
		return 0
	case w.suspects > 0:
		return w.pause
	}
	w.whole = true // who died between LIVE and the count of changes is seen so
	if w.bells < 0 {
		return blindTick
	}
	d := w.tick
	w.tick = min(2*w.tick, idleTick)
	return d
}

func (w *watch) close() {
	closeFD(w.bells)
	for i := range w.seen {
		w.drop(i)
	}
	_ = w.poll.Close()
}

// scan follows the table where it changed, or after a tick, all of it: some
// microseconds. It reports whether it looked.
func (w *watch) scan() bool {
	changes := w.domain.Changes() // before the records: a change that comes later is seen next time
	if changes == w.changes && !w.whole {
		return false
	}
	w.changes, w.whole = changes, false
	for i := range w.seen {
		generation, live := w.domain.State(uint16(i))
		e := &w.seen[i]
		if live && e.state != watchNothing && e.generation == generation {
			continue
		}
		w.drop(i) // it left, or was freed
		if live {
			e.generation = generation
			w.listen(i)
		}
	}
	return true
}

// listen opens the bell of an index that is LIVE. Whoever has none that rings is suspect.
func (w *watch) listen(i int) {
	fd, ok := w.domain.listen(uint16(i))
	if ok {
		ok = w.control(func(poll int) error {
			return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: 0, Fd: int32(i)})
		})
	}
	if ok {
		w.seen[i].bell = fd
		w.seen[i].state = watchBell
		return
	}
	closeFD(fd)
	w.suspect(i, suspectTick)
}

func (w *watch) suspect(i int, pause time.Duration) {
	if w.suspects == 0 || pause < w.pause {
		w.pause = pause
	}
	w.suspects++
	w.seen[i].state = watchSuspect
}

// drop forgets an index.
func (w *watch) drop(i int) {
	e := &w.seen[i]
	switch e.state {
	case watchBell:
		closeFD(e.bell) // the kernel takes it out of the set
	case watchSuspect:
		w.suspects--
	}
	e.state = watchNothing
}

// ask asks the kernel about the suspects. The state is loaded after the answer:
// who was not alive and is LIVE under this generation still is dead.
func (w *watch) ask() {
	if w.suspects == 0 {
		return
	}
	w.pause = min(2*w.pause, suspectTick)
	for i := range w.seen {
		e := &w.seen[i]
		if e.state != watchSuspect {
			continue
		}
		alive := w.domain.Alive(uint16(i))
		generation, live := w.domain.State(uint16(i))
		switch {
		case !live || generation != e.generation:
			w.drop(i)
			w.whole = true // the next one of this index may be there already
		case alive:
			w.retry(i)
		default:
			w.drop(i)
			e.state = watchDead
			w.fn(uint16(i))
		}
	}
}

// retry listens again to one who lives without a bell: it may hang now.
func (w *watch) retry(i int) {
	if w.pause < suspectTick {
		return // it hung up just now
	}
	w.drop(i)
	w.listen(i)
}

// sleep waits for a bell, or for the next tick.
func (w *watch) sleep(ctx context.Context) error {
	if err := w.poll.SetReadDeadline(time.Now().Add(w.nextTick())); err != nil {
		return err
	}
	if ctx.Err() != nil { // it ended before the deadline was set, and set its own
		return nil
	}
	var events [32]unix.EpollEvent
	n := 0
	err := w.raw.Read(func(poll uintptr) bool {
		n, _ = unix.EpollWait(int(poll), events[:], 0) // EINTR: nothing this time
		return n > 0
	})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	for _, e := range events[:max(n, 0)] {
		if e.Fd == newBells {
			w.bellHung()
		} else {
			w.hungUp(int(e.Fd))
		}
	}
	return nil
}

// hungUp takes note that a bell was let go.
func (w *watch) hungUp(i int) {
	if i < 0 || i >= len(w.seen) || w.seen[i].state != watchBell {
		return
	}
	w.drop(i)
	w.suspect(i, hungUpTick)
}

// control runs an operation on the epoll instance and reports whether it went well.
func (w *watch) control(op func(poll int) error) bool {
	var err error
	if cerr := w.raw.Control(func(poll uintptr) { err = op(int(poll)) }); cerr != nil {
		return false
	}
	return err == nil
}
