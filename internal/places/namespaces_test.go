package places

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// container are the attributes of a process with pids of its own: pid 1 of a
// namespace, like the first process of a container. Without root it takes a user
// namespace, too, in which it is root and is nobody else outside. Within a container
// that may make neither, the processes share their pids, and the rest of the test holds.
func container(t *testing.T) *syscall.SysProcAttr {
	t.Helper()
	attr := &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if os.Geteuid() != 0 {
		ownUserNamespace(attr)
	}
	return orNone(t, attr)
}

// orNone gives up namespaces that the system does not make.
func orNone(t *testing.T, attr *syscall.SysProcAttr) *syscall.SysProcAttr {
	t.Helper()
	if mayStart(attr) {
		return attr
	}
	t.Log("no namespaces can be made here: processes share their pids")
	return &syscall.SysProcAttr{}
}

func ownUserNamespace(attr *syscall.SysProcAttr) {
	attr.Cloneflags |= syscall.CLONE_NEWUSER
	attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// TestPidNamespaces: two processes that are both pid 1, and a third outside, share a
// domain. Nobody living is taken for dead; one is killed in its claim, another is
// told so, takes back what it held, and goes on.
func TestPidNamespaces(t *testing.T) {
	for _, kind := range []string{"pid", "pid and user"} {
		attr := func() *syscall.SysProcAttr {
			a := container(t)
			if kind == "pid and user" && a.Cloneflags == syscall.CLONE_NEWPID {
				ownUserNamespace(a)
			}
			return orNone(t, a)
		}
		t.Run(kind, func(t *testing.T) { pidNamespaces(t, attr) })
	}
}

func pidNamespaces(t *testing.T, attr func() *syscall.SysProcAttr) {
	base := baseFor(t)
	a, b, outside := start(t, "a", attr()), start(t, "b", attr()), start(t, "outside", nil)
	for i, p := range []*puppet{a, b, outside} {
		if got := p.does("open %s", base); got != fmt.Sprint(i) {
			t.Errorf("%s has index %s", p.name, got)
		}
	}
	pa, pb := a.does("pid"), b.does("pid")
	if own := a.cmd.SysProcAttr.Cloneflags&syscall.CLONE_NEWPID != 0; own && (pa != "1" || pb != "1") {
		t.Errorf("pids %s and %s: not in namespaces of their own", pa, pb)
	}
	a.does("subscribe orders")
	b.does("publisher orders")
	outside.does("publisher orders")
	for range 3 {
		for _, p := range []*puppet{a, b, outside} {
			if got := p.does("alive"); got != "0:alive 1:alive 2:alive" {
				t.Fatalf("%s sees %s", p.name, got)
			}
			if got := p.does("sweep"); got != "freed 0" {
				t.Fatalf("%s swept: %s", p.name, got)
			}
		}
	}
	b.does("claim")
	outside.does("publish behind")
	b.kill()
	killed := time.Now()
	if got := a.does("next"); got != "behind" {
		t.Errorf("a reads %q", got)
	}
	t.Logf("the message behind a dead claim came %v after the kill", time.Since(killed))
	if got := a.does("deaths"); got != "1" {
		t.Errorf("a is told of the death of %s", got)
	}
	if got := a.does("sweep"); got != "freed 1" {
		t.Errorf("a: %s", got)
	}
	for _, p := range []*puppet{a, outside} {
		if got := p.does("alive"); got != "0:alive 2:alive" {
			t.Errorf("%s sees %s", p.name, got)
		}
	}
	if got := start(t, "again", attr()).does("open %s", base); got != "1" {
		t.Errorf("the index is not used again: %s", got)
	}
}

// TestStormOfNamespaces: pid 1s come and are killed while two stay; the index of the
// killed is used again under the next generation, and those who stay are never
// taken for dead.
func TestStormOfNamespaces(t *testing.T) {
	base := baseFor(t)
	stay, other := start(t, "stay", container(t)), start(t, "other", nil)
	stay.does("open %s", base)
	other.does("open %s", base)
	stay.does("subscribe orders")
	other.does("publisher orders")
	for i := range 20 {
		p := start(t, "mayfly", container(t))
		if got := p.does("open %s", base); got != "2" {
			t.Errorf("round %d: index %s", i, got)
		}
		p.does("publisher orders")
		p.does("claim")
		p.kill()
		other.does("publish %d", i)
		if got := stay.does("next"); got != fmt.Sprint(i) {
			t.Errorf("round %d: read %q", i, got)
		}
		if got := stay.does("alive"); !strings.HasPrefix(got, "0:alive 1:alive") {
			t.Errorf("round %d: %s", i, got)
		}
		sweeper := []*puppet{stay, other}[i%2]
		if got := sweeper.does("sweep"); got != "freed 1" {
			t.Errorf("round %d: %s", i, got)
		}
	}
}
