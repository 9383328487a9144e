package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// A process is a peer that runs.
type process struct {
	cmd   *exec.Cmd
	in    io.Closer
	out   *bufio.Reader
	ended sync.Once
	err   error // how it ended
}

// start runs a peer with more in its environment.
func start(ctx context.Context, environment, run []string, args ...string) (*process, error) {
	args = append(run[1:len(run):len(run)], args...)
	cmd := exec.CommandContext(ctx, run[0], args...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// expect takes the next line, which has to be this one.
func (p *process) expect(line string) error {
	if got, _ := p.out.ReadString('\n'); strings.TrimSpace(got) != line {
		return fmt.Errorf("prints %q, want %q", got, line)
	}
	return nil
}

// each hands on what it prints line by line, and waits for its end.
func (p *process) each(ctx context.Context, lines chan<- string) error {
	for {
		line, err := p.out.ReadString('\n')
		if err != nil {
			return p.end()
		}
		select {
		case lines <- strings.TrimSpace(line):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// closeInput tells a member to leave.
func (p *process) closeInput() { _ = p.in.Close() }

// wait waits for the end of the peer and returns what it printed.
func (p *process) wait() (string, error) {
	text, err := io.ReadAll(p.out)
	if ended := p.end(); ended != nil {
		err = ended
	}
	return strings.TrimSpace(string(text)), err
}

// end waits for the end.
func (p *process) end() error {
	p.ended.Do(func() { p.err = p.cmd.Wait() })
	return p.err
}

// kill ends the peer if it runs.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.end()
}
