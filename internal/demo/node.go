package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/netlab"
	"github.com/ringcast/ringcast/shm"
)

// A process is one program of the demo.
type process struct {
	name   string
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *os.File
	done   chan error
}

// start runs a program on the node; its stderr goes to a file that is shown if it fails.
func (n *node) start(s settings, name, program string, args ...string) (*process, error) {
	errs, err := os.Create(filepath.Join(s.work, name+".log"))
	if err != nil {
		return nil, err
	}
	p := &process{name: name, stderr: errs, done: make(chan error, 1)}
	p.cmd = exec.Command(filepath.Join(s.bin, program), args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, errs
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	begin := p.cmd.Start
	if n.host != nil {
		begin = func() error { return n.host.Start(p.cmd) }
	}
	if err := begin(); err != nil {
		return nil, err
	}
	go func() { p.done <- p.cmd.Wait() }()
	return p, nil
}

// wait returns when the program has ended by itself; it is killed with ctx.
func (p *process) wait(ctx context.Context) error {
	select {
	case err := <-p.done:
		p.done <- err
		if err != nil {
			return fmt.Errorf("%s: %w: %s", p.name, err, p.lastWords())
		}
		return nil
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.done
		p.done <- ctx.Err()
		return fmt.Errorf("%s: %w", p.name, ctx.Err())
	}
}

// stop asks the program to end and waits for it.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return p.wait(ctx)
}

// lastWords is the end of what the program said.
func (p *process) lastWords() string {
	b, _ := os.ReadFile(p.stderr.Name())
	if len(b) > 800 {
		b = b[len(b)-800:]
	}
	return string(bytes.TrimSpace(b))
}

// result parses the JSON object that the program printed last.
func (p *process) result(v any) error {
	lines := bytes.Split(bytes.TrimSpace(p.stdout.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], v); err != nil {
		return fmt.Errorf("%s printed no result: %w: %s", p.name, err, p.lastWords())
	}
	return nil
}

// cpu is the processor time that the program has used, when it has ended.
func (p *process) cpu() time.Duration {
	if p == nil || p.cmd.ProcessState == nil {
		return 0
	}
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// A node is one of the two: a directory and, usually, a forwarder.
type node struct {
	name      string
	dir       string
	host      *netlab.Node // nil: this one
	forwarder *process
}

const demoDomain = "demo"

// newNodes makes the two nodes of a part on loopback.
func newNodes(s settings) (a, b *node, err error) {
	nodes, err := startNodes(s, "A", "B")
	return nodes[0], nodes[1], err
}

// startNodes makes directories of shared memory and starts the forwarders. What was made
// is returned also with an error.
func startNodes(s settings, names ...string) ([]*node, error) {
	nodes := make([]*node, len(names))
	base, err := os.MkdirTemp("/dev/shm", "ringcast-demo-")
	if err != nil {
		return nodes, err
	}
	for i, name := range names {
		nodes[i] = &node{name: name, dir: filepath.Join(base, strings.ToLower(name))}
		if s.lab != nil {
			nodes[i].host = s.lab.Node(i + 1)
		}
	}
	for _, n := range nodes {
		if s.stopB && n.name == "B" {
			continue
		}
		if n.forwarder, err = n.start(s, "ringcastd-"+n.name, "ringcastd", n.forwarderFlags(s)...); err != nil {
			return nodes, err
		}
	}
	return nodes, nil
}

// forwarderFlags lose datagrams in the forwarder itself where nftables does not.
func (n *node) forwarderFlags(s settings) []string {
	flags := []string{"--shm-dir", n.dir, "--domain", demoDomain, "--json", "--window", strconv.Itoa(s.window)}
	if n.host != nil {
		return append(flags, "--interface", netlab.Interface)
	}
	flags = append(flags, "--interface", "lo", "--fault", fmt.Sprintf("%s,seed=%d", s.fault, s.seed+uint64(n.name[0])))
	if s.noNAK {
		flags = append(flags, "--fault-no-nak")
	}
	return flags
}

// end stops the forwarders and removes the directories.
func end(nodes ...*node) error {
	var errs []error
	for _, n := range nodes {
		if n == nil {
			continue
		}
		if n.forwarder != nil {
			errs = append(errs, n.forwarder.stop())
		}
	}
	if len(nodes) > 0 && nodes[0] != nil {
		errs = append(errs, os.RemoveAll(filepath.Dir(nodes[0].dir)))
	}
	return errors.Join(errs...)
}

// awaitWants returns once the node's forwarder knows that so many other nodes want the topic.
func (n *node) awaitWants(ctx context.Context, topic string, nodes int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		if wanted, _ := n.wanted(topic); wanted >= nodes {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s does not learn that topic %q is wanted: %w", n.name, topic, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// wanted looks into the node's directory segment: how many others want the topic?
func (n *node) wanted(topic string) (count int, err error) {
	d, err := shm.OpenDomain(&shm.Config{Base: n.dir, Domain: demoDomain, ReadOnly: true})
	if err != nil {
		return 0, err
	}
	defer d.Close()
	b, err := d.ReadDirectory()
	if err != nil {
		return 0, err
	}
	dir, err := table.ParseDirectory(b)
	if err != nil {
		return 0, err
	}
	for _, peer := range dir.Nodes {
		if slices.Contains(peer.Wants, topic) {
			count++
		}
	}
	return count, nil
}

// subscribed returns once the node's participants show a subscriber of the topic.
func (n *node) subscribed(ctx context.Context, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		if d, err := shm.OpenDomain(&shm.Config{Base: n.dir, Domain: demoDomain, ReadOnly: true}); err == nil {
			rows, _ := d.Participants()
			_ = d.Close()
			for _, row := range rows {
				if slices.ContainsFunc(row.Info.Interests, func(i shm.Interest) bool { return i.Name == topic && !i.Publisher }) {
					return nil
				}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %s: no subscriber of %q: %w", n.name, topic, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
