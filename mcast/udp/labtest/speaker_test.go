//go:build linux

package labtest

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
	"github.com/ringcast/ringcast/mcast/udp"
)

// speakerVariable makes this program a speaker of the name that it holds.
const speakerVariable = "RINGCAST_LABTEST_SPEAKER"

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// TestMain runs the tests inside a lab, and this program as a speaker where a test
// starts it as one. Where there can be no lab it says so, and nothing is run.
func TestMain(m *testing.M) {
	if name := os.Getenv(speakerVariable); name != "" {
		if err := speak(name); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
		return
	}
	code, err := netlab.Main(m.Run)
	if err != nil {
		fmt.Println(err)
		var missing *netlab.MissingError
		if code = 1; errors.As(err, &missing) && flag.Set("test.run", "^$") == nil {
			code = m.Run()
		}
	}
	os.Exit(code)
}

// speak multicasts its name every 20 ms and says whom it hears: "hears NAME ADDRESS",
// for its own echo, too. It ends with the lab.
func speak(name string) error {
	c, err := udp.Open(&udp.Config{Domain: "labtest", Interface: netlab.Interface,
		Notice: func(line string) { fmt.Println("notice", line) }})
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Println("up", c.LocalAddr().Addr())
	batch := c.NewBatch()
	for {
		_, _ = c.WriteMulticast([][]byte{[]byte(name)}) // a down interface refuses it
		for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
			if _, err := c.ReadBatch(batch, time.Until(end)); err != nil {
				return err
			}
			for _, d := range batch.Datagrams() {
				fmt.Println("hears", string(d.Bytes), d.From.Addr())
			}
		}
	}
}

// A speaker is such a process, with what it said last.
type speaker struct {
	t     *testing.T
	name  string
	lines chan string
}

// start starts a speaker on a node.
func start(t *testing.T, n *netlab.Node, name string) *speaker {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), speakerVariable+"="+name)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(cmd); err != nil {
		t.Fatal(err)
	}
	s := &speaker{t, name, make(chan string, 1<<16)}
	go func() {
		for scan := bufio.NewScanner(out); scan.Scan(); {
			s.lines <- scan.Text()
		}
		close(s.lines)
	}()
	s.wait("up")
	return s
}

// wait reads on until a line begins so, and returns it.
func (s *speaker) wait(prefix string) string {
	s.t.Helper()
	for end := time.After(patience); ; {
		select {
		case line, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("%s has ended before it said %q", s.name, prefix)
			}
			if strings.HasPrefix(line, prefix) {
				return line
			}
		case <-end:
			s.t.Fatalf("%s has not said %q in %v", s.name, prefix, patience)
		}
	}
}

// silent reads on until nothing that begins so has come for a while.
func (s *speaker) silent(prefix string) {
	s.t.Helper()
	const quiet = 500 * time.Millisecond
	end, last := time.Now().Add(patience), time.Now()
	for time.Since(last) < quiet {
		if time.Now().After(end) {
			s.t.Fatalf("%s still says %q", s.name, prefix)
		}
		select {
		case line := <-s.lines:
			if strings.HasPrefix(line, prefix) {
				last = time.Now()
			}
		case <-time.After(quiet):
		}
	}
}

// fresh throws away what was said so far.
func (s *speaker) fresh() *speaker {
	for len(s.lines) > 0 {
		<-s.lines
	}
	return s
}
