package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// askCount is how many requests node A sends, one behind the other.
const askCount = 200

// askPart has a program on node A call a service that runs on node C alone, by the name
// alone; datagrams are lost on the way.
func askPart(ctx context.Context, s settings) error {
	fmt.Printf("\n== ask: %d requests from node A to a service that node C has, %s\n", askCount, s.fault)
	nodes, err := startNodes(s, "A", "B", "C")
	if err == nil {
		err = ask(ctx, s, nodes[0], nodes[2])
	}
	return firstError(err, end(nodes...))
}

func ask(ctx context.Context, s settings, a, c *node) (err error) {
	server, err := c.start(s, "serve-C", "ringcast", "serve", "squares", "--exec", "read x; echo $((x * x))",
		"--shm-dir", c.dir, "--domain", demoDomain, "--quiet")
	if err != nil {
		return err
	}
	defer func() { err = firstError(err, server.stop()) }()
	var input, want bytes.Buffer
	for i := range askCount {
		fmt.Fprintln(&input, i)
		fmt.Fprintln(&want, i*i)
	}
	if err := awaitService(ctx, s, a); err != nil {
		return err
	}
	begin := time.Now()
	got, err := call(ctx, s, a, input.Bytes())
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want.Bytes()) {
		return fmt.Errorf("%d bytes of answers, which are not the %d that were expected", len(got), want.Len())
	}
	fmt.Printf("   %d answers, all right, %.1f ms each with the start of a shell\n", askCount, float64(time.Since(begin).Microseconds())/1000/askCount)
	return nil
}

// awaitService returns once the service is known on the node.
func awaitService(ctx context.Context, s settings, n *node) error {
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for {
		_, err := call(ctx, s, n, []byte("1\n"))
		var exit *exec.ExitError
		if err == nil || !errors.As(err, &exit) || exit.ExitCode() != exitNobody || ctx.Err() != nil {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// exitNobody is the exit code of ringcast call where nobody has that name.
const exitNobody = 5

// call has the tool send each line as a request, and returns the lines of the answers.
func call(ctx context.Context, s settings, n *node, lines []byte) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "ringcast"), "call", "squares", "--shm-dir", n.dir, "--domain", demoDomain)
	cmd.Stdin = bytes.NewReader(lines)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("call on node %s: %w: %s", n.name, err, bytes.TrimSpace(errs.Bytes()))
	}
	return out, nil
}
