package ring

import (
	"context"
	"errors"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// TestMessagesFromAfarAreNotSpunFor: who has just read a message of another node spins farSpin at most, whatever was learnt
// before; who has read one of this node, or a reply, does not care.
func TestMessagesFromAfarAreNotSpunFor(t *testing.T) {
	remote := Meta{Flags: layout.MessageFlagRemote, Source: shm.Address{Node: 2, Epoch: 1, Generation: 1, Handle: 1}, Sequence: 1}
	reply := remote
	reply.Kind = layout.MessageKindReply
	for name, c := range map[string]struct {
		meta *Meta
		afar bool
	}{"here": {&Meta{}, false}, "afar": {&remote, true}, "reply": {&reply, false}} {
		s := newScene(t, small(Shared), 2)
		p, rd := s.producer(0), s.reader(1)
		if rd.afar() {
			t.Errorf("%s: nothing was read, and it came from afar", name)
		}
		if err := p.TryPublish([]byte("x"), c.meta); err != nil {
			t.Fatal(err)
		}
		wantNext(t, rd, "x")
		wantEmpty(t, rd)
		if rd.afar() != c.afar {
			t.Errorf("%s: afar %v", name, rd.afar())
		}
		ctx, cancel := context.WithCancel(context.Background())
		w := NewWaiter(&strangersBell{rings: 1, stop: cancel}, Block)
		if err := w.Await(ctx, []*Reader{rd}); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		want := maxSpin / 2 // one sleep that brought nothing
		if c.afar {
			want = farSpin / 2
		}
		if w.spin != want {
			t.Errorf("%s: spins for %v, want %v", name, w.spin, want)
		}
	}
}
