package ringcast

import (
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// A Wait says how to wait for a message or for room: on the whole bus
// (Config.Wait), or of one publisher or subscription. It is a value.
type Wait uint8

// Ways of waiting. Close, or the end of the context, ends each of them at once.
const (
	// waitAsBus leaves the choice to the bus, and there means Block.
	waitAsBus Wait = iota
	// Block spins for up to 200 microseconds while traffic is recent, then sleeps. Idling
	// costs nothing; the first message after a pause costs the system's wake-up. It never
	// spins if the program has only one processor.
	Block
	// Spin never sleeps: it keeps a core busy, for programs that own one. If the program
	// has only one processor, it gives way between looks.
	Spin
	// Yield never sleeps either, but lets other goroutines run between looks. It is for
	// more busy goroutines than cores.
	Yield
)

var waitNames = [...]string{"", "block", "spin", "yield"}

// String returns the text that ParseWait takes.
func (w Wait) String() string {
	if int(w) < len(waitNames) {
		return waitNames[w]
	}
	return fmt.Sprintf("Wait(%d)", uint8(w))
}

// ParseWait parses block, spin or yield. An empty text is no choice, the zero Wait.
func ParseWait(text string) (Wait, error) {
	for w, name := range waitNames {
		if text == name {
			return Wait(w), nil
		}
	}
	return waitAsBus, shm.Invalid("way of waiting %q: want one of %s", text, strings.Join(waitNames[1:], ", "))
}

func (w Wait) validate() error {
	if int(w) >= len(waitNames) {
		return shm.Invalid("unknown way of waiting %d", uint8(w))
	}
	return nil
}

// policy is the same for package ring.
func (w Wait) policy() ring.Policy {
	switch w {
	case Spin:
		return ring.Spin
	case Yield:
		return ring.Yield
	}
	return ring.Block
}
