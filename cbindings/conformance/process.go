package main

import (
	"bufio"
	"context"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// A process is a peer that runs.
type process struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	done bool
}

// start runs a peer and waits for the line that says it is so far, if one is given.
func start(ctx context.Context, dir, line, program string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "RINGCAST_SHM_DIR="+dir)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, out: bufio.NewReader(pipe)}
	if line == "" {
		return p, nil
	}
	if got, _ := p.out.ReadString('\n'); strings.TrimSpace(got) != line {
		p.end()
		return nil, fmt.Errorf("prints %q, want %q", got, line)
	}
	return p, nil
}

// wait waits for the end of the peer and returns what it printed.
func (p *process) wait() (string, error) {
	text, err := io.ReadAll(p.out)
	p.done = true
	if werr := p.cmd.Wait(); werr != nil {
		err = werr
	}
	return strings.TrimSpace(string(text)), err
}

// end kills the peer if it runs.
func (p *process) end() {
	if p.done {
		return
	}
	p.done = true
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// noGo says whether a program is free of Go's runtime: an implementation in another
// language has to be one of its own.
func noGo(program string) error {
	f, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Name == ".gopclntab" || s.Name == ".go.buildinfo" || s.Name == ".note.go.buildid" {
			return fmt.Errorf("%s has a section %s: it contains Go", program, s.Name)
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, l := range libraries {
		if !strings.HasPrefix(l, "libc.so") && !strings.HasPrefix(l, "libpthread.so") && !strings.HasPrefix(l, "ld-linux") {
			return fmt.Errorf("%s loads %s", program, l)
		}
	}
	return nil
}
