package places

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// victim is a puppet whose last words are not shown: the trace of its fault.
const victim = "victim"

// TestTruncatedWhileMapped shows what happens to those who have a file mapped that
// somebody with the right to write it cuts off. It is outside of the promises: a tmpfs
// can't be sealed. The kernel ends who touches the lost pages, and nobody else: users
// of other topics go on, take back what he held, and the topic is made anew.
func TestTruncatedWhileMapped(t *testing.T) {
	for _, file := range []string{"dat", "ctl"} {
		base := baseFor(t)
		v, other := start(t, victim, nil), start(t, "other", nil)
		other.does("open %s", base)
		v.does("open %s", base)
		v.does("publisher orders")
		other.does("publisher prices")
		other.does("subscribe prices")
		path, err := datPath(base, "orders")
		if file == "ctl" {
			path = filepath.Join(base, "default", "topics", "orders.ctl")
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := v.stdin.Write([]byte("publish gone\npublish gone\n")); err != nil {
			t.Fatal(err)
		}
		stuck := time.AfterFunc(generous, func() { _ = v.cmd.Process.Kill() })
		err = v.cmd.Wait()
		stuck.Stop()
		status := v.cmd.ProcessState.Sys().(syscall.WaitStatus)
		if err == nil || status.ExitStatus() != 2 && status.Signal() != syscall.SIGBUS {
			t.Errorf("%s: who touched it ended with %v", file, err)
		}
		t.Logf("%s cut off: who has it mapped ended with %v", file, err)
		other.does("publish still")
		if got := other.does("next"); got != "still" {
			t.Errorf("%s: the other reads %q", file, got)
		}
		if got := other.does("sweep"); got != "freed 1" {
			t.Errorf("%s: the other swept: %s", file, got)
		}
		if err := os.Remove(path); err != nil { // as the error says
			t.Fatal(err)
		}
		other.does("publisher orders")
		other.does("publish anew")
	}
}
