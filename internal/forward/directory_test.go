package forward

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/internal/roster"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// serving joins a node as an instance of services.
func (n *testNode) serving(name string, services ...shm.Service) (*shm.Domain, *shm.Participant) {
	n.t.Helper()
	d, err := shm.OpenDomain(&shm.Config{Base: n.base, Domain: n.domain})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = d.Close() })
	self, err := d.Join(shm.Info{Name: name, Version: "1.2", Language: layout.LanguageC, Services: services})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = self.Close() })
	return d, self
}

// look opens the node's directory for reading.
func (n *testNode) look() *shm.Domain {
	n.t.Helper()
	d, err := shm.AttachDomain(&shm.Config{Base: n.base, Domain: n.domain, ReadOnly: true})
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = d.Close() })
	return d
}

// await waits until what a node knows is as wanted, and returns it.
func await(t *testing.T, ctx context.Context, d *shm.Domain, what string, ok func(*shm.Directory) bool) *shm.Directory {
	t.Helper()
	for {
		x, err := d.Directory()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if ok(x) {
			return x
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not seen; known is %+v", what, x)
		case <-time.After(time.Millisecond):
		}
	}
}

func standing(a shm.Address, want shm.Standing) func(*shm.Directory) bool {
	return func(x *shm.Directory) bool { return x.Standing(a) == want }
}

// A process that is started with these two in its environment is a participant of that
// domain until it is killed.
const (
	childBase   = "RINGCAST_TEST_CHILD_BASE"
	childDomain = "RINGCAST_TEST_CHILD_DOMAIN"
)

func TestMain(m *testing.M) {
	base := os.Getenv(childBase)
	if base == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(childForwards) != "" {
		forwardUntilKilled(shm.Config{Base: base, Domain: os.Getenv(childDomain)})
	}
	d, err := shm.OpenDomain(&shm.Config{Base: base, Domain: os.Getenv(childDomain)})
	if err == nil {
		var self *shm.Participant
		if self, err = d.Join(shm.Info{Name: "child", Services: []shm.Service{{Name: "pricing", Limit: 1}}}); err == nil {
			_, _ = os.Stdout.WriteString(self.Address().String() + "\n")
			_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed, or its parent is gone
		}
	}
	if err != nil {
		panic(err)
	}
	os.Exit(0)
}

// child starts a process that takes part, and returns its address.
func (n *testNode) child(t *testing.T) (*exec.Cmd, shm.Address) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childBase+"="+n.base, childDomain+"="+n.domain)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	a, err := shm.ParseAddress(line[:len(line)-1])
	if err != nil {
		t.Fatal(err)
	}
	return cmd, a
}

// TestDirectoryTellsOfTheKilled kills a process on one node; another node learns that it
// has died. How soon is logged: what is promised is 100 ms (spec/guarantees.md).
func TestDirectoryTellsOfTheKilled(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, time.Minute)
	seen := b.look()
	for range 5 {
		child, address := a.child(t)
		await(t, ctx, seen, "a process that comes", standing(address, shm.StandingUp))
		began := time.Now()
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		x := await(t, ctx, seen, "one that is killed", standing(address, shm.StandingGone))
		t.Logf("known on the other node after %v", time.Since(began).Round(time.Microsecond))
		wantEnding(t, x, address, layout.EndingDied)
		if s := x.Serving("pricing"); len(s) != 0 {
			t.Errorf("instances of pricing: %+v", s)
		}
	}
}

// killed is a process that was killed, and recovered by another one, not the forwarder.
func (n *testNode) killed(t *testing.T, child *exec.Cmd, a shm.Address) {
	t.Helper()
	_ = child.Process.Kill()
	_ = child.Wait()
	third, _ := n.serving("third")
	if _, err := ring.Sweep(third); err != nil {
		t.Fatal(err)
	}
	if generation, live := third.State(a.Index); live && generation == a.Generation {
		t.Fatalf("%v was not recovered", a)
	}
}

// TestEndingOfWhomAnotherRecovered: the forwarder sees of a process that was killed only that its record
// is somebody else's now.
func TestEndingOfWhomAnotherRecovered(t *testing.T) {
	n := newNode(t, "a")
	f, err := New(n.config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	child, killed := n.child(t)
	_, left := n.serving("leaves")
	n.killed(t, child, killed)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	for a, want := range map[shm.Address]uint8{killed: layout.EndingDied, left.Address(): layout.EndingLeft} {
		if got := f.endingOf(a.Index, a.Generation); got != want {
			t.Errorf("ending of %v: %d, want %d", a, got, want)
		}
	}
}

// TestDirectoryTellsOfThoseWhoDiedUnseen kills a process while its node has no forwarder: the next one
// tells that it has died.
func TestDirectoryTellsOfThoseWhoDiedUnseen(t *testing.T) {
	a, b := newNode(t, "a"), newNode(t, "b")
	a.start(nil)
	b.start(nil)
	ctx := testContext(t, time.Minute)
	seen := b.look()
	child, address := a.child(t)
	await(t, ctx, seen, "a process that comes", standing(address, shm.StandingUp))
	a.stop()
	await(t, ctx, seen, "a node that leaves", standing(address, shm.StandingNodeDown))
	a.killed(t, child, address)
	a.start(nil)
	x := await(t, ctx, seen, "a node that comes back", func(x *shm.Directory) bool { n := x.Node(address.Node); return n != nil && n.Known })
	wantEnding(t, x, address, layout.EndingDied)
}

// TestDirectoryCrossesNodes follows participants of one node on two others, while
// datagrams are lost: they come, serve, change, leave and die; their node goes.
func TestDirectoryCrossesNodes(t *testing.T) {
	a, b, c := newNode(t, "a"), newNode(t, "b"), newNode(t, "c")
	lossy := func(cfg *Config) {
		cfg.Version = "v9"
		cfg.Net.Fault = udp.FaultConfig{Loss: 0.05, Duplicate: 0.05, Reorder: 0.02, Seed: 5}
	}
	early, _ := a.serving("early", shm.Service{Name: "pricing", Limit: 3})
	a.start(lossy)
	b.start(lossy)
	c.start(lossy)
	ctx := testContext(t, time.Minute)
	for _, seen := range []*shm.Domain{b.look(), c.look()} {
		x := await(t, ctx, seen, "who was there before", func(x *shm.Directory) bool { return len(x.Serving("pricing")) == 1 })
		node, epoch := early.Node()
		if s := x.Serving("pricing")[0]; s.Node != node || s.Epoch != epoch || s.Instances != 1 || s.Limit != 3 || s.Room == 0 {
			t.Errorf("instances of pricing: %+v", s)
		}
		info := x.Node(node)
		if !info.Known || info.Version != "v9" || len(info.Participants) != 1 {
			t.Fatalf("node of early: %+v", info)
		}
		if p := info.Participants[0]; p.Info.Name != "early" || p.Info.Version != "1.2" || p.Language != layout.LanguageC {
			t.Errorf("early: %+v", p)
		}
	}
	seen := b.look()
	_, late := a.serving("late", shm.Service{Name: "pricing", Limit: 5}, shm.Service{Name: "stock", Limit: 1})
	await(t, ctx, seen, "one that comes", standing(late.Address(), shm.StandingUp))
	x := await(t, ctx, seen, "both together", func(x *shm.Directory) bool { s := x.Serving("pricing"); return len(s) == 1 && s[0].Limit == 8 })
	if s := x.Serving("stock"); len(s) != 1 || s[0].Limit != 1 {
		t.Errorf("instances of stock: %+v", s)
	}
	if err := late.SetInfo(shm.Info{Name: "late"}); err != nil {
		t.Fatal(err)
	}
	await(t, ctx, seen, "one that serves no more", func(x *shm.Directory) bool { return x.Serving("stock") == nil && x.Serving("pricing")[0].Limit == 3 })
	if err := late.Close(); err != nil {
		t.Fatal(err)
	}
	x = await(t, ctx, seen, "one that leaves", standing(late.Address(), shm.StandingGone))
	wantEnding(t, x, late.Address(), layout.EndingLeft)
	a.stop()
	x = await(t, ctx, seen, "a node that leaves", standing(late.Address(), shm.StandingNodeDown))
	if n := len(x.Lost); n == 0 || x.Lost[n-1] != (table.LostNode{Node: late.Address().Node, Epoch: late.Address().Epoch, Ending: layout.EndingLeft}) {
		t.Errorf("nodes that are gone: %+v", x.Lost)
	}
	a.start(lossy)
	await(t, ctx, seen, "a node that comes back", func(x *shm.Directory) bool { return len(x.Serving("pricing")) == 1 })
}

func wantEnding(t *testing.T, x *shm.Directory, a shm.Address, want uint8) {
	t.Helper()
	for _, d := range x.Node(a.Node).Departed {
		if d.Index == a.Index && d.Generation == a.Generation {
			if d.Ending != want {
				t.Errorf("ending of %v: %d, want %d", a, d.Ending, want)
			}
			return
		}
	}
	t.Errorf("%v is not among the departed: %+v", a, x.Node(a.Node).Departed)
}

// TestListsAfterTheFirstTellNothing: a node that joins is told the whole state once, not with each list of what it wants.
func TestListsAfterTheFirstTellNothing(t *testing.T) {
	f, err := New(newNode(t, "a").config())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := []table.RemoteParticipant{{Index: 3, Generation: 9, Info: table.ParticipantInfo{Name: "p"}}}
	now := roster.Time(f.now())
	f.dir.roster.SetRows(now, rows, f.endingOf)
	wants := func(peer *mcast.Peer, patterns ...string) (whole int) {
		(*sink)(f).Wants(peer, append(patterns, directoryTopic))
		now += roster.Second
		f.dir.roster.Tick(now)
		for b := f.dir.roster.Emit(now); b != nil; b = f.dir.roster.Emit(now) {
			u, err := table.ParseDirectoryUpdate(b)
			if err != nil {
				t.Fatal(err)
			}
			if u.Base == 0 {
				whole++
			}
		}
		return whole
	}
	for range 2 {
		peer := new(mcast.Peer)
		f.peerUp(peer)
		if n := wants(peer); n != 1 {
			t.Errorf("%d whole states for one that has joined, want 1", n)
		}
		for _, name := range []string{"a", "b"} {
			if n := wants(peer, name); n != 0 {
				t.Errorf("%d whole states for one that wants %q, too", n, name)
			}
		}
		f.peerDown(peer, mcast.DownTimeout)
	}
}
