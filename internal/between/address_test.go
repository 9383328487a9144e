package between

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast"
)

// answerer is a process on a node that answers at its address.
func (n *node) answerer() (kill func(), address ringcast.Address) {
	n.t.Helper()
	cmd, line := n.child("answer")
	a, err := ringcast.ParseAddress(line)
	if err != nil {
		n.t.Fatal(err)
	}
	return func() { killChild(cmd) }, a
}

// TestByAddress asks a process of another node, and sends to it.
func TestByAddress(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	_, address := all[1].answerer()
	var reply *ringcast.Reply
	await(t, func() (err error) { reply, err = bus.RequestTo(ctx, address, []byte("one")); return err })
	if string(reply.Payload()) != "answer to one" || reply.Source() != address {
		t.Errorf("got %q from %v, want the answer to one from %v", reply.Payload(), reply.Source(), address)
	}
	long := strings.Repeat("x", 1900) // more than a datagram
	if reply, err := bus.RequestTo(ctx, address, []byte(long)); err != nil || len(reply.Payload()) != len(long)+10 {
		t.Errorf("long request: %v", err)
	}
	var large *ringcast.TooLargeError
	if _, err := bus.RequestTo(ctx, address, make([]byte, 4000)); !errors.As(err, &large) {
		t.Errorf("too large: %v", err)
	}
	patient, err := ringcast.Open(ctx, &ringcast.Config{Dir: all[0].base, Domain: all[0].domain, InboxSlotSize: 300_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = patient.Close() })
	if reply, err := patient.RequestTo(ctx, address, []byte("long")); err != nil || len(reply.Payload()) != longAnswer {
		t.Errorf("long answer: %v", err)
	}
	if _, err := bus.RequestTo(ctx, address, []byte("long")); !errors.Is(err, ringcast.ErrReplyTooLarge) {
		t.Errorf("long answer into a small inbox: %v", err)
	}
	var futures []*ringcast.Future
	for range 60 {
		f, err := bus.GoTo(ctx, address, []byte("many"))
		if err != nil {
			t.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		if _, err := f.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
}

// TestWhoIsNotThere asks addresses at which nobody is.
func TestWhoIsNotThere(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	end, address := all[1].answerer()
	await(t, func() error { _, err := bus.RequestTo(ctx, address, nil); return err })

	strange := address
	strange.Node++
	past := address
	past.Epoch++
	earlier := address
	earlier.Generation += 7
	deaf := all[1].bus().Address()
	for _, c := range []struct {
		name string
		to   ringcast.Address
		want error
	}{{"node", strange, ringcast.ErrNodeDown}, {"epoch", past, ringcast.ErrGone}, {"generation", earlier, ringcast.ErrGone}, {"inbox", deaf, ringcast.ErrNoInbox}} {
		if _, err := bus.RequestTo(ctx, c.to, nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	end()
	_, again := all[1].answerer() // may have its index
	await(t, func() error { _, err := bus.RequestTo(ctx, again, nil); return err })
	if _, err := bus.RequestTo(ctx, address, nil); !errors.Is(err, ringcast.ErrGone) {
		t.Errorf("address of who has died: %v, want %v", err, ringcast.ErrGone)
	}
}

// TestOrder sends numbers to another node while another program sends, too.
func TestOrder(t *testing.T) {
	all := nodes(t, 2)
	from, to, ctx := all[0].bus(), all[1].bus(), within(t)
	mail, err := to.Mail()
	if err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return from.Send(ctx, to.Address(), make([]byte, 8)) })
	const count = 5000
	done, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for i := uint64(1); done.Err() == nil; {
			err := from.Send(done, to.Address(), binary.LittleEndian.AppendUint64(nil, i))
			if err == nil && i < count { // the last again and again: one may have found no room in the mail
				i++
			}
			if i%64 == 0 || i == count || err != nil {
				time.Sleep(time.Millisecond) // a mail of 128 that nobody waits for
			}
		}
	}()
	defer func() { stop(); <-ended }()
	last := uint64(0)
	for m, err := range mail.Messages(ctx) {
		if err != nil {
			t.Fatalf("behind %d: %v", last, err)
		}
		i := binary.LittleEndian.Uint64(m.Payload())
		if m.From() != from.Address() || i != 0 && i <= last {
			t.Fatalf("got %d from %v behind %d", i, m.From(), last)
		}
		if last = max(last, i); last == count {
			return
		}
	}
}

// TestHolderDies has the process that holds a request of another node die.
func TestHolderDies(t *testing.T) {
	all := nodes(t, 2)
	bus, ctx := all[0].bus(), within(t)
	end, address := all[1].answerer()
	await(t, func() error { _, err := bus.RequestTo(ctx, address, nil); return err })
	f, err := bus.GoTo(ctx, address, []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := f.Wait(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("held request: %v", err)
	}
	g, err := bus.GoTo(ctx, address, []byte("hold"))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	end()
	if _, err := g.Wait(ctx); !errors.Is(err, ringcast.ErrInstanceDied) && !errors.Is(err, ringcast.ErrGone) {
		t.Errorf("the holder has died: %v", err)
	}
}

// TestForwarderDies has each of the two forwarders die with a request under way, and another
// take its place.
func TestForwarderDies(t *testing.T) {
	for i, whose := range []string{"caller", "holder"} {
		t.Run(whose, func(t *testing.T) {
			all := nodes(t, 2)
			bus, ctx := all[0].bus(), within(t)
			_, address := all[1].answerer()
			await(t, func() error { _, err := bus.RequestTo(ctx, address, nil); return err })
			f, err := bus.GoTo(ctx, address, []byte("hold"))
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Millisecond)
			killChild(all[i].forwarder)
			if _, err := f.Wait(ctx); !errors.Is(err, ringcast.ErrNodeDown) {
				t.Errorf("under way: %v", err)
			}
			if _, err := bus.RequestTo(ctx, address, nil); !errors.Is(err, ringcast.ErrNodeDown) {
				t.Errorf("without it: %v", err)
			}
			all[i].forward()
			await(t, func() error { _, err := bus.RequestTo(ctx, address, nil); return err })
		})
	}
}
