package ring

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// addressed is a small ring with room for a block.
func addressed() Shape {
	s := small(Shared)
	s.Payload = 128
	return s
}

// requestBlock is the address block of a request of that caller.
func requestBlock(caller shm.Address, correlation byte) []byte {
	b := make([]byte, layout.AddressBlockSize)
	caller.Put(b[layout.AddressBlockSourceOffset:])
	b[layout.AddressBlockCorrelationOffset] = correlation
	return b
}

// request publishes one, and returns its position.
func (s *groupScene) request(p *Producer, caller shm.Address, correlation byte) uint64 {
	s.t.Helper()
	if err := p.TryPublish([]byte{correlation}, &Meta{Block: requestBlock(caller, correlation)}); err != nil {
		s.t.Fatal(err)
	}
	return p.Last()
}

var someCaller = shm.Address{Node: 7, Epoch: 8, Generation: 9, Index: 10}

// TestWithdraw takes back what nobody has started, and nothing else.
func TestWithdraw(t *testing.T) {
	s := newGroupScene(t, addressed(), 3)
	p, mb, q := s.producer(0), s.member(1, 2), &Queue{s.groups[2]}
	first, second, third := s.request(p, someCaller, 1), s.request(p, someCaller, 2), s.request(p, someCaller, 3)
	if _, err := mb.Take(&Message{}); err != nil {
		t.Fatal(err)
	}
	if q.Withdraw(first) {
		t.Error("a request in hand was withdrawn")
	}
	if !q.Unstarted() {
		t.Error("two requests wait, and nobody sees them")
	}
	for range 2 {
		if !q.Withdraw(second) {
			t.Error("a request that nobody has started was not withdrawn")
		}
	}
	var m Message
	if _, err := mb.Take(&m); err != nil || m.Position != third {
		t.Errorf("take: %v at %d, want the third", err, m.Position)
	}
	if q.Unstarted() {
		t.Error("all is started")
	}
	for range 64 { // the gate has passed what was withdrawn, and a lap goes by
		if at := s.request(p, someCaller, 4); !q.Withdraw(at) {
			t.Fatalf("position %d was not withdrawn", at)
		}
	}
	if q.Withdraw(second) {
		t.Error("a position of an earlier lap was withdrawn")
	}
}

// TestHandsSayWhoseRequestTheyHold: also when the taker is dead and recovered.
func TestHandsSayWhoseRequestTheyHold(t *testing.T) {
	s := newGroupScene(t, addressed(), 3)
	p, mb, q := s.producer(0), s.member(1, 2), &Queue{s.groups[2]}
	s.request(p, someCaller, 1)
	s.request(p, someCaller, 2)
	var hands []Hand
	for range 2 {
		h, err := mb.Take(&Message{})
		if err != nil {
			t.Fatal(err)
		}
		hands = append(hands, h)
	}
	held := func() (list []uint64) {
		q.InHand(someCaller, func(c uint64, taker shm.Address) {
			if taker != mb.self {
				t.Errorf("taker %v, want %v", taker, mb.self)
			}
			list = append(list, c)
		})
		return list
	}
	if got := held(); len(got) != 2 || got[0] != 1 || got[1] != 2 {
		t.Fatalf("in hand %v, want 1 and 2", got)
	}
	if err := hands[0].Done(); err != nil {
		t.Fatal(err)
	}
	s.node.dead[1].Store(true)
	s.groups[2].recoverRows(1)
	if got := held(); len(got) != 1 || got[0] != 2 {
		t.Errorf("in the dead hand %v, want 2", got)
	}
	q.InHand(shm.Address{Node: 1}, func(uint64, shm.Address) { t.Error("a stranger's request") })
}

// TestControl cancels and grants credit, to the message in hand and to no other.
func TestControl(t *testing.T) {
	s := newGroupScene(t, addressed(), 3)
	p, mb, q := s.producer(0), s.member(1, 1), &Queue{s.groups[2]}
	s.request(p, someCaller, 1)
	s.request(p, someCaller, 2)
	h, err := mb.Take(&Message{})
	if err != nil {
		t.Fatal(err)
	}
	if h.Canceled() || h.Credit() != FirstCredit {
		t.Fatalf("begins canceled %v with credit %d", h.Canceled(), h.Credit())
	}
	if h.AwaitCredit(FirstCredit-1) != true || h.AwaitCredit(FirstCredit) != false {
		t.Error("waits for what it has, or not for what it has not")
	}
	rings := s.rings[2].ctl.wakes.Load()
	if err := q.Grant(someCaller, 1, 8); err != nil || h.Credit() != FirstCredit+8 {
		t.Errorf("grant: %v, credit %d", err, h.Credit())
	}
	if s.rings[2].ctl.wakes.Load() != rings+1 {
		t.Error("who waits for credit was not rung")
	}
	if err := q.Grant(someCaller, 1, 1<<31); err != nil || h.Credit() != maxCredit || h.Canceled() {
		t.Errorf("grant of very much: %v, credit %d", err, h.Credit())
	}
	if err := q.Cancel(someCaller, 2); err == nil {
		t.Error("a request that nobody holds was canceled")
	}
	if err := q.Cancel(someCaller, 1); err != nil || !h.Canceled() {
		t.Errorf("cancel: %v, canceled %v", err, h.Canceled())
	}
	old := h
	if err := h.Done(); err != nil {
		t.Fatal(err)
	}
	if h, err = mb.Take(&Message{}); err != nil || h.Canceled() || h.Credit() != FirstCredit {
		t.Errorf("the next begins with %v, canceled %v, credit %d", err, h.Canceled(), h.Credit())
	}
	if old.Canceled() || old.Credit() != 0 {
		t.Error("an ended hand reads another's word")
	}
}

// TestSeatOf: a sender knows that the reader it writes for is there, and when it is gone.
func TestSeatOf(t *testing.T) {
	s := newScene(t, small(Shared), 2)
	if _, ok := s.rings[0].SeatOf(1); ok {
		t.Error("a seat that nobody has taken")
	}
	rd, err := s.rings[1].Join(JoinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	seat, ok := s.rings[0].SeatOf(1)
	if !ok || !seat.Taken() {
		t.Fatal("a reader without a seat")
	}
	rd.Close()
	if seat.Taken() {
		t.Error("the seat of a reader that has left")
	}
}

// TestQueueOfFile: a caller finds the group only where somebody has joined it, and
// makes no ring.
func TestQueueOfFile(t *testing.T) {
	_, d, self := killDomain(t)
	host, path := NewHost(self), filepath.Join(d.Dir(), "services", "s")
	if _, err := OpenFile(path, host, FileOptions{Existing: true, Write: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("open what is not there: %v", err)
	}
	if Used(path, host) {
		t.Error("a ring that is not there is used")
	}
	f, err := OpenFile(path, host, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Queue("g"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a group that nobody has joined: %v", err)
	}
	mb, err := f.JoinGroup("g", GroupOptions{Self: self.Address()})
	if err != nil {
		t.Fatal(err)
	}
	caller, err := OpenFile(path, host, FileOptions{Existing: true, Write: true})
	if err != nil {
		t.Fatal(err)
	}
	q, err := caller.Queue("g")
	if err != nil || !q.HasMembers() {
		t.Fatalf("queue: %v", err)
	}
	mb.Close()
	if q.HasMembers() {
		t.Error("the last member has left")
	}
	if !Used(path, host) {
		t.Error("a ring in use counts as unused")
	}
	if err := errors.Join(caller.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".ctl"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the last user left %v", err)
	}
}
