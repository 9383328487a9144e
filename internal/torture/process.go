package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/shm"
)

// A process is one child as its parent sees it.
type process struct {
	task
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer  // its standard error
	done  chan struct{} // closed when it has ended
	err   error         // how; valid when done
	doom  atomic.Bool   // we are about to kill it
}

// start starts a child in a free slot of the board.
func (a *arena) start(t task) *process {
	t.Base, t.Seed = a.base, a.rng.Uint64()
	a.board.clearSlot(t.Slot)
	text, _ := json.Marshal(t)
	p := &process{task: t, cmd: exec.Command(a.run.program), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), childVariable+"="+string(text), "GOMAXPROCS=2")
	p.cmd.Stderr = &p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		a.fault("start child: %v", err)
		p.err = err
		close(p.done)
		return p
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	a.mu.Lock()
	a.children[t.Slot] = p
	a.mu.Unlock()
	return p
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// ended reports whether the process is no more.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// stopped reports whether all of it stands still.
func (p *process) stopped() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	i := bytes.LastIndexByte(b, ')')
	return err == nil && i >= 0 && len(b) > i+2 && (b[i+2] == 'T' || b[i+2] == 't')
}

// awaitStopped returns when it stands still; false if it never does.
func (p *process) awaitStopped() bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && !p.ended(); {
		if p.stopped() {
			return true
		}
		time.Sleep(50 * time.Microsecond)
	}
	return false
}

// kill is SIGKILL; it returns when the process is no more.
func (p *process) kill() {
	p.doom.Store(true)
	p.signal(syscall.SIGKILL)
	<-p.done
}

// slay kills a child, and counts those that may have been joining then: that have told
// no index yet, or join again and again.
func (a *arena) slay(p *process) {
	if a.board.at(p.Slot, slotIndex).Load() == 0 || p.Role == "storm" {
		a.joining.Add(1)
	}
	p.kill()
}

// address is the address of the child's handle; zero before it has one.
func (a *arena) address(p *process) shm.Address {
	index := a.board.at(p.Slot, slotIndex).Load()
	handle := a.board.at(p.Slot, slotHandle).Load()
	if index == 0 || handle == 0 {
		return shm.Address{}
	}
	node, epoch := a.domain.Node()
	return shm.Address{Node: node, Epoch: epoch, Generation: uint32(a.board.at(p.Slot, slotGen).Load()),
		Index: uint16(index - 1), Handle: uint16(handle)}
}

// end asks the child to end, which it must do well.
func (a *arena) end(p *process) {
	_ = p.stdin.Close()
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.kill()
		a.fault("%s %d did not end", p.Role, p.Slot)
	}
	a.look(p)
}

// look checks how a child that was not killed has ended.
func (a *arena) look(p *process) {
	if p.err != nil && !p.doom.Load() {
		a.fault("%s %d: %v: %s", p.Role, p.Slot, p.err, strings.TrimSpace(p.out.String()))
	}
}
