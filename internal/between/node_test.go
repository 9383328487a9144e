package between

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/forward"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
)

// childVariable says what a child process of these tests is to do.
const childVariable = "RINGCAST_BETWEEN_CHILD"

var childJobs = map[string]func(base, domain string, args []string) error{"forward": forwardJob, "answer": answerJob, "serve": serveJob, "ask": askJob, "echo": echoJob}

func TestMain(m *testing.M) {
	if job := os.Getenv(childVariable); job != "" {
		if err := childJobs[job](os.Args[1], os.Args[2], os.Args[3:]); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// patience bounds every wait: a busy machine may take its time.
const patience = 60 * time.Second

// A node is a directory and, once started, a forwarder.
type node struct {
	t            testing.TB
	base, domain string
	forwarder    *exec.Cmd
}

// newNode makes the directory of a node. Nodes of one test share a domain that no other has.
func newNode(t testing.TB, name string) *node {
	t.Helper()
	base, err := os.MkdirTemp("/dev/shm", "ringcast-between-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	h := fnv.New32a()
	_, _ = fmt.Fprintf(h, "%s %d", t.Name(), os.Getpid())
	return &node{t: t, base: filepath.Join(base, name), domain: fmt.Sprintf("between-%08x", h.Sum32())}
}

// stop stops the forwarder, and returns when all its threads stand still: the signal alone
// returns when it is on its way.
func (n *node) stop() {
	n.t.Helper()
	pid := n.forwarder.Process.Pid
	if err := n.forwarder.Process.Signal(syscall.SIGSTOP); err != nil {
		n.t.Fatal(err)
	}
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			n.t.Fatal(err)
		}
	}
}

// nodes makes some with a forwarder each.
func nodes(t *testing.T, count int) []*node {
	all := make([]*node, count)
	for i := range all {
		all[i] = newNode(t, fmt.Sprintf("n%d", i+1))
		all[i].forward()
	}
	return all
}

// forward starts the node's forwarder, a process of its own.
func (n *node) forward() {
	n.t.Helper()
	n.forwarder, _ = n.child("forward")
}

// child starts a process on the node and returns the first line that it says.
func (n *node) child(job string, args ...string) (*exec.Cmd, string) {
	n.t.Helper()
	cmd, line, _ := n.talker(job, args...)
	return cmd, line
}

// talker is a child that may say more.
func (n *node) talker(job string, args ...string) (*exec.Cmd, string, io.Reader) {
	n.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{n.base, n.domain}, args...)...)
	cmd.Env = append(os.Environ(), childVariable+"="+job)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { killChild(cmd) })
	rest := bufio.NewReader(out)
	line, err := rest.ReadString('\n')
	if err != nil {
		n.t.Fatalf("%s: %v", job, err)
	}
	return cmd, line[:len(line)-1], rest
}

// killChild ends a child without a chance to say anything.
func killChild(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

func forwardJob(base, domain string, _ []string) error {
	f, err := forward.New(forward.Config{Domain: shm.Config{Base: base, Domain: domain}, Net: udp.Config{Interface: "lo"}})
	if err != nil {
		return err
	}
	fmt.Println("up")
	return f.Run(context.Background())
}

func open(base, domain string) (*ringcast.Bus, error) {
	return ringcast.Open(context.Background(), &ringcast.Config{Dir: base, Domain: domain})
}

// bus joins the node.
func (n *node) bus() *ringcast.Bus {
	n.t.Helper()
	b, err := open(n.base, n.domain)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = b.Close() })
	return b
}

// within is a context for one test.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await asks again while a node, or what is on it, is not known yet.
func await(t testing.TB, ask func() error) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		err := ask()
		if err == nil {
			return
		}
		early := errors.Is(err, ringcast.ErrNodeDown) || errors.Is(err, ringcast.ErrNoService) || errors.Is(err, ringcast.ErrNoInbox)
		if !early || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// longAnswer is the length of the answer to "long".
const longAnswer = 250_000

// answerJob says its address, and answers what comes to it: "PAYLOAD from NODE"; "hold" it keeps
// for ever, and says so.
func answerJob(base, domain string, _ []string) error {
	b, err := open(base, domain)
	if err != nil {
		return err
	}
	mail, err := b.Mail()
	if err != nil {
		return err
	}
	fmt.Println(b.Address())
	for m, err := range mail.Messages(context.Background()) {
		switch {
		case err != nil:
			return err
		case string(m.Payload()) == "hold":
			fmt.Println("held")
		case string(m.Payload()) == "long":
			if err := m.Reply(make([]byte, longAnswer)); err != nil {
				return err
			}
		case m.IsRequest():
			if err := m.Reply(append([]byte("answer to "), m.Payload()...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// serveJob serves a name: "hold" it keeps for ever, "stream" it answers with many, "fail" with an error.
func serveJob(base, domain string, args []string) error {
	b, err := open(base, domain)
	if err != nil {
		return err
	}
	_, err = b.Serve(args[0], func(ctx context.Context, r *ringcast.Request) error {
		switch string(r.Payload()) {
		case "hold":
			<-ctx.Done()
			fmt.Println("let go")
			return ctx.Err()
		case "stream":
			for i := range 100 {
				if err := r.More(fmt.Appendf(nil, "%d", i)); err != nil {
					return err
				}
			}
			return r.Reply([]byte("end"))
		case "fail":
			return &ringcast.ReplyError{Code: 7, Text: "as asked"}
		}
		return r.Reply(append([]byte("answer to "), r.Payload()...))
	}, nil)
	if err != nil {
		return err
	}
	fmt.Println(b.Address())
	select {}
}

// askJob holds a request to an address open.
func askJob(base, domain string, args []string) error {
	b, err := open(base, domain)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f, err := b.Go(ctx, args[0], []byte("hold"))
	if err != nil {
		return err
	}
	fmt.Println("asked")
	_, err = f.Wait(ctx)
	return err
}
