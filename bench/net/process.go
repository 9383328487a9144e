package main

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

	"github.com/ringcast/ringcast/internal/netlab"
)

// A process is one program of a run.
type process struct {
	name  string
	node  *netlab.Node
	cmd   *exec.Cmd
	input io.WriteCloser
	lines chan string // of its output
	errs  bytes.Buffer
	ended chan error
}

// startProcess starts a program in a node.
func startProcess(n *netlab.Node, environment []string, command ...string) (*process, error) {
	p := &process{name: fmt.Sprintf("%s on node %d", command[0], n.Index), node: n, cmd: exec.Command(command[0], command[1:]...),
		lines: make(chan string, 64), ended: make(chan error, 1)}
	p.cmd.Env = append(os.Environ(), environment...)
	p.cmd.Stderr = &p.errs
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
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
func (p *process) collect(out io.Reader) {
	s := bufio.NewScanner(out)
	for s.Scan() {
		select {
		case p.lines <- s.Text():
		default: // a program that prints without end is not listened to
		}
	}
	close(p.lines)
	p.ended <- p.cmd.Wait()
}

// line is the next one that it prints.
func (p *process) line(patience time.Duration) (string, error) {
	select {
	case text, ok := <-p.lines:
		if !ok {
			return "", fmt.Errorf("%s ended: %s", p.name, lastWords(p.errs.String()))
		}
		return text, nil
	case <-time.After(patience):
		return "", fmt.Errorf("%s: nothing in %v: %s", p.name, patience, lastWords(p.errs.String()))
	}
}

// ready waits for that word.
func (p *process) ready() error {
	text, err := p.line(15 * time.Second)
	if err == nil && text != "ready" {
		err = fmt.Errorf("%s says %q", p.name, text)
	}
	return err
}

// result is its line of JSON.
func (p *process) result(patience time.Duration, to any) error {
	text, err := p.line(patience)
	if err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("%s says %q: %w", p.name, text, err)
	}
	return nil
}

// signal sends it one; an ended process has no use for it.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// end asks it to end, and kills it if it does not.
func (p *process) end() {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
		p.signal(syscall.SIGKILL)
		<-p.ended
	}
}

func lastWords(text string) string {
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-400):]
}

// ticks of the processor's time a second, as /proc counts them.
const ticks = 100

// processor is the time that a process has used.
func (p *process) processor() time.Duration {
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

// resident is the memory that it has in use, and how much of it is no file's.
func (p *process) resident() (all, own float64) {
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
