package script

import (
	"bytes"
	"time"

	"golang.org/x/sys/unix"
)

// leftPatience bounds how long a pipe is listened to whose process has ended: one that
// has left the group may hold it.
const leftPatience = time.Second

// readSize is how much is read at once: what a pipe holds.
const readSize = 64 << 10

// attend writes and reads until the output has come to its end, or the process was ended.
func (r *run) attend() {
	buf := make([]byte, readSize)
	for r.stdout != none || r.stderr != none || r.stdin != none {
		ready, some := r.wait([]unix.PollFd{
			{Fd: int32(r.ended)},
			{Fd: int32(r.stdin), Events: unix.POLLOUT},
			{Fd: int32(r.stdout), Events: unix.POLLIN},
			{Fd: int32(r.stderr), Events: unix.POLLIN},
		}, r.patience())
		if !some && r.over || r.why() != nil {
			break
		}
		if ready[1].Revents != 0 {
			r.write()
		}
		if ready[2].Revents != 0 {
			r.read(&r.stdout, buf, r.take)
		}
		if ready[3].Revents != 0 {
			r.read(&r.stderr, buf, r.takeError)
		}
	}
	if len(r.line) > 0 && r.why() == nil { // one without a newline
		r.hand(r.line)
	}
}

// patience is how long to wait for output, in ms; -1: as long as it takes.
func (r *run) patience() int {
	if r.over {
		return int(leftPatience / time.Millisecond)
	}
	return -1
}

// wait waits for one of several files, of which the first tells of the end of the process
// and is none once that was seen. False: the time is over.
func (r *run) wait(files []unix.PollFd, ms int) (ready []unix.PollFd, some bool) {
	n, err := unix.Poll(files, ms)
	if err != nil { // EINTR, or no memory for a moment: nothing is ready
		for i := range files {
			files[i].Revents = 0
		}
		return files, true
	}
	if files[0].Revents != 0 {
		r.over = true
		shut(&r.ended)
		shut(&r.stdin)
	}
	return files, n > 0
}

// write gives the process more of its input. One that does not want it has closed it, which is
// no fault.
func (r *run) write() {
	if r.stdin == none {
		return // the process has just ended
	}
	n, err := unix.Write(r.stdin, r.input)
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if n > 0 {
		r.input = r.input[n:]
	}
	if err != nil || len(r.input) == 0 {
		shut(&r.stdin)
	}
}

// read takes what there is in a pipe.
func (r *run) read(f *int, buf []byte, take func([]byte)) {
	n, err := unix.Read(*f, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case n <= 0:
		shut(f)
	default:
		take(buf[:n])
	}
}

// take takes standard output.
func (r *run) take(b []byte) {
	if r.call.Line == nil {
		if len(r.result.Stdout)+len(b) > r.program.limit() {
			r.end(ErrOutput, 0)
			return
		}
		r.result.Stdout = append(r.result.Stdout, b...)
		return
	}
	for len(b) > 0 && r.why() == nil {
		part, rest, whole := bytes.Cut(b, []byte("\n"))
		if len(r.line)+len(part) > r.program.limit() {
			r.end(ErrOutput, 0)
			return
		}
		r.line = append(r.line, part...)
		if b = rest; whole {
			r.hand(r.line)
			r.line = r.line[:0]
		}
	}
}

// hand hands a line out.
func (r *run) hand(line []byte) {
	if err := r.call.Line(line); err != nil {
		r.end(err, r.program.Grace)
	}
}

// takeError takes standard error, as far as it is kept.
func (r *run) takeError(b []byte) {
	room := r.program.limit() - len(r.result.Stderr)
	r.result.Stderr = append(r.result.Stderr, b[:min(len(b), room)]...)
}
