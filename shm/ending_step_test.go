//go:build invariants

package shm

import (
	"fmt"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
)

// atStep calls once, when the package comes to a point for the n-th time.
func atStep(t *testing.T, name string, n int, call func()) {
	t.Helper()
	OnStep(func(at string) {
		if at == name {
			if n--; n == 0 {
				OnStep(nil)
				call()
			}
		}
	})
	t.Cleanup(func() {
		OnStep(nil)
		if n > 0 {
			t.Errorf("nobody came to %q", name)
		}
	})
}

// A participant that leaves while a recoverer stands between its look at the record and its
// question to the kernel has left, though the kernel says that nobody holds the lock.
func TestEndingOfWhoLeavesUnderARecoverer(t *testing.T) {
	base := testBase(t)
	d, other := openTestDomain(t, base), openTestDomain(t, base)
	p := joinTest(t, other, "p")
	index, generation := p.Index(), p.Generation()
	atStep(t, "free asks", 1, func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Free(index, generation); err != nil {
		t.Fatal(err)
	}
	wantEnding(t, d, index, generation, layout.EndingLeft)
}

// A recoverer that is stopped with the mark in hand, until another has freed the record and the index
// was given away so often that the word is a later life's, spoils nothing; one that is
// stopped before it looks again neither.
func TestEndingWithTwoRecoverers(t *testing.T) {
	for _, step := range []string{"look again", "mark", "unlink"} {
		base := testBase(t)
		d, other := openTestDomain(t, base), openTestDomain(t, base)
		c := startChild(t, "join", base)
		index, generation := c.joined()
		c.kill()
		atStep(t, step, 1, func() {
			if err := other.Free(index, generation); err != nil {
				t.Error(err)
			}
			wantEnding(t, d, index, generation, layout.EndingDied)
			for range layout.ParticipantEndings {
				p, err := other.Join(Info{Name: "next"})
				if err != nil {
					t.Error(err)
					return
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
		})
		if err := d.Free(index, generation); err != nil {
			t.Fatal(err)
		}
		for lives := range uint32(layout.ParticipantEndings) {
			wantEnding(t, d, index, generation+1+lives, layout.EndingLeft)
		}
	}
}

// A recoverer that is killed behind its mark leaves the rest to the next one.
func TestEndingOfARecovererThatIsKilled(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	victim := startChild(t, "join", base)
	index, generation := victim.joined()
	victim.kill()
	cleaner := startChild(t, "free-halfway", base, "free record")
	if line := cleaner.line(); line != "there" {
		t.Fatalf("the recoverer says %q", line)
	}
	cleaner.kill()
	if g, live := d.State(index); !live || g != generation {
		t.Fatalf("record of generation %d, live %v: want it not freed yet", g, live)
	}
	wantEnding(t, d, index, generation, layout.EndingNone)
	if err := d.Free(index, generation); err != nil {
		t.Fatal(err)
	}
	wantEnding(t, d, index, generation, layout.EndingDied)
}

// Who is killed while he leaves, before his mark or behind it, has died until his record is free,
// and left from then on.
func TestEndingOfWhoIsKilledWhileHeLeaves(t *testing.T) {
	for step, want := range map[string]uint8{"leave": layout.EndingDied, "left": layout.EndingDied, "marked": layout.EndingDied, "unlock": layout.EndingLeft} {
		base := testBase(t)
		d := openTestDomain(t, base)
		c := startChild(t, "leave-halfway", base, step)
		index, generation := c.joined()
		if line := c.line(); line != "there" {
			t.Fatalf("at %q the child says %q", step, line)
		}
		c.kill()
		if err := d.Free(index, generation); err != nil {
			t.Fatal(err)
		}
		if got := d.Ending(index, generation); got != want {
			t.Errorf("killed at %q: ending %d, want %d", step, got, want)
		}
	}
}

func init() {
	roles["leave-halfway"] = roleLeaveHalfway
	roles["free-halfway"] = roleFreeHalfway
}

// stopAt stops this process at a point, until it is killed.
func stopAt(name string) {
	OnStep(func(at string) {
		if at == name {
			fmt.Println("there")
			waitForInput()
		}
	})
}

// roleLeaveHalfway BASE STEP: joins, leaves as far as STEP, and stays there.
func roleLeaveHalfway(args []string) error {
	_, p, err := joinAs(args[0], "halfway")
	if err != nil {
		return err
	}
	stopAt(args[1])
	return p.Close()
}

// roleFreeHalfway BASE STEP: recovers the dead as far as STEP, and stays there.
func roleFreeHalfway(args []string) error {
	d, err := OpenDomain(&Config{Base: args[0]})
	if err != nil {
		return err
	}
	stopAt(args[1])
	for _, dead := range d.Dead() {
		if err := d.Free(dead.Index, dead.Generation); err != nil {
			return err
		}
	}
	return nil
}
