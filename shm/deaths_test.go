package shm

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

// watchDeaths runs Deaths until the test ends and sends on what it is told.
func watchDeaths(t *testing.T, d *Domain, fn func(uint16)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- d.Deaths(ctx, fn) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("Deaths = %v", err)
			}
		case <-time.After(generous):
			t.Error("Deaths does not end with its context")
		}
	})
}

// SIGKILL is known to Alive at once, and by the bell soon.
func TestKillIsKnown(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	joinTest(t, d, "witness")
	deaths := make(chan uint16, 10)
	watchDeaths(t, d, func(i uint16) { deaths <- i })
	var delays []time.Duration
	for range 20 {
		c := startChild(t, "join", base)
		index, generation := c.joined()
		if !d.Alive(index) {
			t.Fatal("a living child is dead")
		}
		time.Sleep(60 * time.Millisecond) // so that the watch listens to its bell
		begin := time.Now()
		c.cmd.Process.Kill()
		select {
		case got := <-deaths:
			if got != index {
				t.Fatalf("death of %d, want %d", got, index)
			}
		case <-time.After(generous):
			t.Fatal("the death is not known")
		}
		delays = append(delays, time.Since(begin))
		if d.Alive(index) {
			t.Error("told dead, yet alive")
		}
		c.kill()
		if err := d.Free(index, generation); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(delays)
	t.Logf("kill to Deaths: p50 %v, max %v", delays[len(delays)/2], delays[len(delays)-1])
	if p50 := delays[len(delays)/2]; p50 > 500*time.Millisecond { // ten times the promise
		t.Errorf("p50 = %v", p50)
	}
	select {
	case i := <-deaths:
		t.Errorf("another death: %d", i)
	default:
	}
}

// Who is killed as soon as it lives is known too: by the bell that was touched
// after it was LIVE, or, where the system tells nothing of bells, by the ticks.
func TestKilledAtOnceIsKnown(t *testing.T) {
	for name, blind := range map[string]bool{"bells": false, "blind": true} {
		t.Run(name, func(t *testing.T) {
			base := testBase(t)
			d := openTestDomain(t, base)
			w, err := newWatch(d, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer w.close()
			if blind {
				closeFD(w.bells)
				w.bells = -1
			}
			dead := make(map[uint16]bool)
			w.fn = func(i uint16) { dead[i] = true }
			w.tick = time.Hour // nothing but the bell may end this sleep
			for want := range 5 {
				c := startChild(t, "join", base)
				index, _ := c.joined()
				c.kill()
				end := time.Now().Add(generous)
				for !dead[index] && time.Now().Before(end) {
					w.scan()
					w.ask()
					if err := w.sleep(context.Background()); err != nil {
						t.Fatal(err)
					}
				}
				if len(dead) != want+1 {
					t.Fatalf("dead = %v, want %d of them", dead, want+1)
				}
			}
		})
	}
}

// Who is killed between being LIVE and counting that as a change is known by the
// bell that was hung up before.
func TestKilledBeforeItsChangeIsKnown(t *testing.T) {
	base := testBase(t)
	d, mine := openTestDomain(t, base), openTestDomain(t, base)
	deaths := make(chan uint16, 1)
	watchDeaths(t, d, func(i uint16) { deaths <- i })
	time.Sleep(20 * time.Millisecond) // so that the watch has seen the empty table
	p, err := mine.join(Info{})
	if err != nil {
		t.Fatal(err)
	}
	crash(t, mine, p)
	select {
	case i := <-deaths:
		if i != p.Index() {
			t.Errorf("death of %d, want %d", i, p.Index())
		}
	case <-time.After(generous):
		t.Error("the death is not known")
	}
}

func TestKilledAndReapedIsDeadAtOnce(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "join", base)
	index, _ := c.joined()
	c.kill()
	if d.Alive(index) {
		t.Error("alive after it was reaped")
	}
	if dead := d.Dead(); len(dead) != 1 || dead[0].Index != index {
		t.Errorf("dead = %v", dead)
	}
}

// Who may only read the participants can't make the dead look alive.
func TestReaderKeepsNobodyAlive(t *testing.T) {
	base := testBase(t)
	d, theirs := openTestDomain(t, base), openTestDomain(t, base)
	p := joinTest(t, theirs, "p")
	index, generation := p.Index(), p.Generation()
	reader, err := openRetry(d.path(participantsFile), unix.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(reader)
	crash(t, theirs, p)
	if ok, err := lockShared(reader, layout.LockByteParticipant+int64(index)); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if d.Alive(index) {
		t.Error("a reader's lock makes the dead look alive")
	}
	if err := d.Free(index, generation); err != nil {
		t.Error(err)
	}
}

// A stopped process lives, and so does one whose bell was taken away; a zombie
// does not.
func TestStoppedIsAliveZombieIsNot(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	deaths := make(chan uint16, 10)
	watchDeaths(t, d, func(i uint16) { deaths <- i })
	c := startChild(t, "join", base)
	index, _ := c.joined()
	if err := errors.Join(c.cmd.Process.Signal(syscall.SIGSTOP), os.Remove(d.bellPath(index))); err != nil {
		t.Fatal(err)
	}
	select {
	case i := <-deaths:
		t.Fatalf("%d was declared dead", i)
	case <-time.After(150 * time.Millisecond):
	}
	if !d.Alive(index) {
		t.Error("a stopped process is dead")
	}
	if err := c.cmd.Process.Kill(); err != nil { // it stays a zombie: nobody waits for it yet
		t.Fatal(err)
	}
	select {
	case i := <-deaths:
		if i != index {
			t.Errorf("death of %d, want %d", i, index)
		}
	case <-time.After(generous):
		t.Error("the death of a zombie without a bell is not known")
	}
}

// Who leaves is no death; who was dead before the watch is one, once.
func TestWhatIsADeath(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	early := startChild(t, "join", base)
	index, _ := early.joined()
	early.kill()
	deaths := make(chan uint16, 10)
	watchDeaths(t, d, func(i uint16) { deaths <- i })
	select {
	case i := <-deaths:
		if i != index {
			t.Errorf("death of %d, want %d", i, index)
		}
	case <-time.After(generous):
		t.Fatal("who was dead before stays unknown")
	}
	late := startChild(t, "join", base)
	left, _ := late.joined()
	time.Sleep(60 * time.Millisecond)
	late.tell("leave")
	eventually(t, "the child leaves", func() bool { _, live := d.State(left); return !live })
	select {
	case i := <-deaths:
		t.Errorf("death of %d, who left or was told before", i)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestFree(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "count", base)
	index, generation := c.joined()
	if got := c.line(); got != "counted" {
		t.Fatal(got)
	}
	mustError(t, d.Free(index, generation), ErrAlive)
	c.kill()
	if got := filesIn(t, d.path("counters")); len(got) != 1 {
		t.Errorf("counters of the dead = %v", got)
	}
	if err := errors.Join(d.Free(index, generation), d.Free(index, generation)); err != nil {
		t.Fatal(err)
	}
	if g, live := d.State(index); g != generation+1 || live {
		t.Errorf("state = %d, %v", g, live)
	}
	if got := append(filesIn(t, d.path("live")), filesIn(t, d.path("counters"))...); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
}

// A recovery that comes late takes nothing from the next owner of the index.
func TestFreeOfAnEarlierGeneration(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	c := startChild(t, "join", base)
	index, generation := c.joined()
	c.kill()
	if err := d.Free(index, generation); err != nil {
		t.Fatal(err)
	}
	p := joinTest(t, d, "next")
	if _, err := d.Counters(p); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Free(index, generation), d.takeDown(index)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(d.bellPath(index)); err != nil || !d.Alive(index) {
		t.Errorf("the next owner lost its bell: %v", err)
	}
	if _, err := os.Lstat(d.countersPath(index)); err != nil {
		t.Errorf("the next owner lost its counters: %v", err)
	}
}

func TestCleanerLock(t *testing.T) {
	base := testBase(t)
	d1, d2 := openTestDomain(t, base), openTestDomain(t, base)
	release, ok := d1.LockCleaner()
	if !ok {
		t.Fatal("nobody cleans, yet the lock is held")
	}
	if _, ok := d2.LockCleaner(); ok {
		t.Error("two cleaners")
	}
	release()
	if release, ok = d2.LockCleaner(); !ok {
		t.Error("the lock stays")
	}
	release()
}

// Processes that join and leave without end are killed anywhere, many times,
// while a watcher recovers them: nobody living is declared dead, every index is
// free again in the end, and nothing is left on disk.
func TestKillStorm(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	witness := joinTest(t, d, "witness")
	watchDeaths(t, d, func(i uint16) {
		if i == witness.Index() {
			t.Error("the living witness was declared dead")
		}
		g, _ := d.State(i)
		if err := d.Free(i, g); err != nil && !errors.Is(err, ErrAlive) { // the next one may live already
			t.Error(err)
		}
	})
	before := openFiles(t)
	for range 5 {
		var children []*child
		for range 4 {
			c := startChild(t, "die-in-it", base)
			c.joined()
			children = append(children, c)
		}
		time.Sleep(20 * time.Millisecond)
		for _, c := range children {
			c.kill()
			if c.cmd.ProcessState.Exited() {
				t.Fatalf("a child ended by itself: %s", c.line())
			}
		}
	}
	eventually(t, "all the dead are freed", func() bool {
		rows, err := d.Participants()
		return err == nil && len(rows) == 1
	})
	// A joiner killed before it was LIVE leaves a bell that the next joiner of its
	// index replaces: join as many as there were.
	for range 8 {
		joinTest(t, d, "next")
	}
	for _, p := range slices.Clone(d.joined) {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if left := append(filesIn(t, d.path("live")), filesIn(t, d.path("counters"))...); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	eventually(t, "the watch closes its bells", func() bool { return openFiles(t) <= before })
	for i := range d.ParticipantCount() {
		if g, live := d.State(uint16(i)); live || d.Alive(uint16(i)) {
			t.Errorf("index %d: generation %d, live %v", i, g, live)
		}
	}
	if g, _ := d.State(1); g < 6 {
		t.Errorf("generation of a much used index = %d", g)
	}
}

func openFiles(t *testing.T) int { t.Helper(); return len(filesIn(t, "/proc/self/fd")) }

func BenchmarkAlive(b *testing.B) {
	d := openTestDomain(b, testBase(b))
	joinTest(b, d, "p")
	for b.Loop() {
		if !d.Alive(0) {
			b.Fatal("dead")
		}
	}
}

func BenchmarkScanOfTheTable(b *testing.B) {
	w, err := newWatch(openTestDomain(b, testBase(b)), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.close()
	for b.Loop() {
		w.whole = true
		w.scan()
	}
}
