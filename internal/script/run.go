package script

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// none is the number of a file that is closed.
const none = -1

// A run is one process on its way. It belongs to the goroutine that started it, but for
// end, which any may call.
type run struct {
	// Immutable after start.
	program *Program
	call    *Call
	cmd     *exec.Cmd

	// Owned by the goroutine that started it.
	stdin, stdout, stderr int    // our ends, which never block
	ended                 int    // hung up when the first process has ended
	input                 []byte // that was not written yet
	line                  []byte // the last one, as far as it was read
	result                Result
	over                  bool // the first process has ended

	mu     sync.Mutex
	reaped bool        // guarded by mu: the process's number may be another's
	reason error       // guarded by mu: why it was ended
	timer  *time.Timer // guarded by mu: of the grace
}

// start starts the process.
func (r *run) start() error {
	r.stdin, r.stdout, r.stderr, r.ended = none, none, none, none
	p, c := r.program, r.call
	r.cmd = &exec.Cmd{Path: p.Path, Args: slices.Concat([]string{p.Path}, p.Args, c.Args), Env: p.Env}
	r.cmd.Env = append(r.cmd.Environ(), c.Env...)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	var last *os.File // whose closing says that the process has ended
	theirs, err := r.pipes(&last)
	if err == nil {
		err = r.cmd.Start()
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	if err != nil {
		_ = last.Close()
		r.closeAll()
		return fmt.Errorf("%w: %w", ErrNotRun, err)
	}
	go r.watch(last)
	return nil
}

// pipes makes those that the process needs, and returns its ends.
func (r *run) pipes(last **os.File) (theirs []*os.File, err error) {
	pipe := func(ours *int, end int) *os.File {
		var p [2]int
		if err != nil {
			return nil
		}
		if err = unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
			return nil
		}
		*ours = p[end]
		err = unix.SetNonblock(p[end], true)
		return os.NewFile(uintptr(p[1-end]), "pipe")
	}
	open := func(ours *int, end int) *os.File {
		f := pipe(ours, end)
		theirs = append(theirs, f)
		return f
	}
	*last = pipe(&r.ended, 0)
	if len(r.input) > 0 {
		r.cmd.Stdin = open(&r.stdin, 1)
	}
	if !r.program.Mute {
		r.cmd.Stdout = open(&r.stdout, 0)
	}
	switch {
	case r.program.Merge && r.program.Mute: // both are thrown away
	case r.program.Merge:
		r.cmd.Stderr = r.cmd.Stdout
	default:
		r.cmd.Stderr = open(&r.stderr, 0)
	}
	return theirs, err
}

// watch has the group killed when its first process has ended. That is not reaped yet, so
// that the group's number is still its own.
func (r *run) watch(last *os.File) {
	await(r.cmd.Process.Pid)
	r.signal(syscall.SIGKILL)
	_ = last.Close()
}

// await returns when a process has ended, and leaves it to be reaped.
func await(pid int) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// signal sends a signal to the group, while its number is its own.
func (r *run) signal(s syscall.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.reaped {
		_ = syscall.Kill(-r.cmd.Process.Pid, s)
	}
}

// end has the process end, for a reason: the first one counts. Any goroutine may call it.
func (r *run) end(reason error, grace time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.reaped || r.reason != nil {
		return
	}
	r.reason = reason
	if grace <= 0 {
		_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
		return
	}
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGTERM)
	r.timer = time.AfterFunc(grace, func() { r.signal(syscall.SIGKILL) })
}

// why is the reason that the process was ended for; nil: it ends by itself.
func (r *run) why() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.reason
}

// finish feeds the process until it has ended, and reaps it.
func (r *run) finish() (*Result, error) {
	r.attend()
	for !r.over {
		r.wait([]unix.PollFd{{Fd: int32(r.ended)}}, -1)
	}
	err := r.reap()
	r.closeAll()
	if reason := r.why(); reason != nil {
		return nil, reason
	}
	return &r.result, err
}

// reap takes the exit code.
func (r *run) reap() error {
	r.mu.Lock()
	r.reaped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	err := r.cmd.Wait()
	if r.cmd.ProcessState == nil {
		return fmt.Errorf("exit code: %w", err)
	}
	r.result.Code = r.cmd.ProcessState.ExitCode()
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		r.result.Code = 128 + int(status.Signal())
	}
	return nil
}

// closeAll closes our ends.
func (r *run) closeAll() {
	for _, f := range []*int{&r.stdin, &r.stdout, &r.stderr, &r.ended} {
		shut(f)
	}
}

func shut(f *int) {
	if *f != none {
		_ = unix.Close(*f)
		*f = none
	}
}
