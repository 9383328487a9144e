package netlab

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Process is a program in a node that says something line by line. Line, Ready and Result
// belong to one goroutine, the rest is safe for concurrent use.
type Process struct {
	Node  *Node
	Input io.Writer // its standard input
	name  string
	cmd   *exec.Cmd
	lines chan string // of its output
	errs  bytes.Buffer
	ended chan struct{}
}

// Run starts a program in the node, with additions to the environment.
func (n *Node) Run(environment []string, command ...string) (*Process, error) {
	p := &Process{name: fmt.Sprintf("%s on node %d", strings.Join(command[:min(2, len(command))], " "), n.Index), Node: n,
		cmd: exec.Command(command[0], command[1:]...), lines: make(chan string, 64), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = &p.errs
	var err error
	if p.Input, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.Start(p.cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	go p.collect(out)
	return p, nil
}

// collect reads what it prints, and waits for its end.
func (p *Process) collect(out io.Reader) {
	s := bufio.NewScanner(out)
	for s.Scan() {
		select {
		case p.lines <- s.Text():
		default: // a program that prints without end is not listened to
		}
	}
	close(p.lines)
	_ = p.cmd.Wait() // its end is seen, and what it said is in errs
	close(p.ended)
}

// Line is the next one that it prints.
func (p *Process) Line(patience time.Duration) (string, error) {
	select {
	case text, ok := <-p.lines:
		if !ok {
			<-p.ended
			return "", fmt.Errorf("%s ended: %s", p.name, lastWords(p.errs.String()))
		}
		return text, nil
	case <-time.After(patience):
		return "", fmt.Errorf("%s: not a word in %v", p.name, patience)
	}
}

// Ready waits for that word.
func (p *Process) Ready() error {
	text, err := p.Line(15 * time.Second)
	if err == nil && text != "ready" {
		err = fmt.Errorf("%s says %q", p.name, text)
	}
	return err
}

// Result is its line of JSON.
func (p *Process) Result(patience time.Duration, to any) error {
	text, err := p.Line(patience)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("%s says %q: %w", p.name, text, err)
	}
	return nil
}

// Signal sends it one; an ended process has no use for it.
func (p *Process) Signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// Name says which program on which node.
func (p *Process) Name() string { return p.name }

// Ended is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Kill is SIGKILL; it returns when the program is no more.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.ended
}

// End asks it to end, and kills it if it does not within two seconds.
func (p *Process) End() {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		p.Kill()
	}
}

func lastWords(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-400):]
}

// ticks of the processor's time a second, as /proc counts them.
const ticks = 100

// Processor is the time that a process has used.
func (p *Process) Processor() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * time.Second / ticks
}

// Resident is the memory that it has in use, and how much of it is no file's.
func (p *Process) Resident() (all, own float64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(text)) {
		var kb float64
		name, rest, _ := strings.Cut(line, ":")
		if _, err := fmt.Sscan(rest, &kb); err != nil {
			continue
		}
		switch name {
		case "VmRSS":
			all = kb / 1024
		case "RssAnon":
			own = kb / 1024
		}
	}
	return all, own
}
