package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/shm"
)

// A received is one message as a reader got it.
type received struct {
	position uint64
	from     shm.Address
	sequence uint64
	payload  []byte
}

// honest is the stream of a ring that does all right: some producers, holes.
func honest(rng *rand.Rand, n int) []received {
	var list []received
	sequences := make(map[shm.Address]uint64)
	position := uint64(0)
	for range n {
		from := shm.Address{Node: 1, Epoch: 2, Generation: 3, Index: uint16(rng.IntN(3)), Handle: 1}
		sequences[from]++
		position += 1 + rng.Uint64N(3)/2 // holes
		b := make([]byte, payloadHead+rng.IntN(50))
		makePayload(b, from, sequences[from], 0)
		list = append(list, received{position, from, sequences[from], b})
	}
	return list
}

// book gives a stream to a ledger, whose producers were told so many messages each.
func book(list []received, told map[shm.Address]uint64) *ledger {
	l := newLedger()
	for _, m := range list {
		l.take(m.position, m.from, m.sequence, m.payload)
	}
	for from, n := range told {
		l.settle(from, n, 0)
	}
	return l
}

func sums(list []received) map[shm.Address]uint64 {
	told := make(map[shm.Address]uint64)
	for _, m := range list {
		told[m.from]++
	}
	return told
}

// TestLedger: an honest stream has no faults; each wrong that a ring can do to it has one.
func TestLedger(t *testing.T) {
	wrongs := map[string]struct {
		do   func(list []received, i int) []received
		want string
	}{
		"nothing": {func(list []received, i int) []received { return list }, ""},
		"drop": {func(list []received, i int) []received {
			return append(append([]received(nil), list[:i]...), list[i+1:]...)
		}, "missing without word"},
		"drop the last": {func(list []received, i int) []received { return list[:len(list)-1] }, "sent with OK"},
		"double": {func(list []received, i int) []received {
			m := list[i]
			return append(append(append([]received(nil), list[:i+1]...), m), list[i+1:]...)
		}, "comes behind"},
		"double at another position": {func(list []received, i int) []received {
			m := list[i]
			m.position = list[len(list)-1].position + 1
			return append(append([]received(nil), list...), m)
		}, "twice"},
		"invent": {func(list []received, i int) []received {
			m := list[i]
			m.position, m.sequence = list[len(list)-1].position+1, 1
			m.from.Index = 9
			m.payload = make([]byte, payloadHead)
			makePayload(m.payload, m.from, 1, 0)
			return append(append([]received(nil), list...), m, m)
		}, "comes behind"},
		"tear": {func(list []received, i int) []received {
			b := append([]byte(nil), list[i].payload...)
			b[len(b)-1] ^= 1
			list[i].payload = b
			return list
		}, "torn: checksum"},
		"cut": {func(list []received, i int) []received {
			list[i].payload = list[i].payload[:len(list[i].payload)-1]
			return list
		}, "torn"},
		"give another's bytes": {func(list []received, i int) []received {
			list[i].payload = list[i-1].payload
			return list
		}, "foreign bytes"},
	}
	for name, w := range wrongs {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(50) {
				list := honest(rand.New(rand.NewPCG(seed, 1)), 100)
				told := sums(list)
				faults := strings.Join(book(w.do(list, 10+int(seed)), told).check(), "\n")
				if w.want == "" && faults != "" || !strings.Contains(faults, w.want) {
					t.Fatalf("seed %d: %q, want %q", seed, faults, w.want)
				}
			}
		})
	}
}

// TestLedgerLag: a jump is all right where the reader was told, and only there.
func TestLedgerLag(t *testing.T) {
	list := honest(rand.New(rand.NewPCG(1, 1)), 100)
	l := newLedger()
	for i, m := range list {
		if i == 40 {
			l.lag(list[39].position+1, list[60].position-list[39].position-1)
		}
		if i < 40 || i >= 60 {
			l.take(m.position, m.from, m.sequence, m.payload)
		}
	}
	for from, n := range sums(list) {
		l.settle(from, n, 0)
	}
	if faults := l.check(); len(faults) > 0 {
		t.Errorf("told of all that is missing: %q", faults)
	}
	l.lag(list[50].position, 1)
	if len(l.check()) == 0 {
		t.Error("LAGGED over what was delivered is not found")
	}
}

// TestLedgerCompare: missed + delivered = sent, by positions; one more or less is found.
func TestLedgerCompare(t *testing.T) {
	list := honest(rand.New(rand.NewPCG(1, 1)), 100)
	var all []uint64
	for _, m := range list {
		all = append(all, m.position)
	}
	delivered := append(append([]uint64(nil), all[:40]...), all[60:]...)
	span := lagSpan{all[39] + 1, all[60] - all[39] - 1}
	for _, c := range []struct {
		name      string
		delivered []uint64
		spans     []lagSpan
		good      bool
	}{
		{"exact", delivered, []lagSpan{span}, true},
		{"not told", delivered, nil, false},
		{"told too little", delivered, []lagSpan{{span.first, all[59] - span.first}}, false},
		{"told too much", delivered, []lagSpan{{span.first, span.count + 1}}, false},
		{"lost besides", append(append([]uint64(nil), delivered[:10]...), delivered[11:]...), []lagSpan{span}, false},
	} {
		l := book(list, nil)
		told := l.compare("reader", all[0], c.delivered, c.spans, 0)
		if faults := l.check(); (len(faults) == 0) != c.good || c.good && told != 20 {
			t.Errorf("%s: told of %d, faults %q", c.name, told, faults)
		}
	}
}

// TestGroupBook: what was withdrawn is not handled, too; nor does a withdrawal that a caller never told
// of excuse more than its own message.
func TestGroupBook(t *testing.T) {
	whole := newGroupBook()
	for p := range uint64(5) {
		switch p {
		case 0, 1:
			whole.taken[p], whole.ended[p] = 1, 1
		case 2:
			whole.reported[p] = 1
		case 3:
			whole.withdrawn[p] = 1
		case 4:
			whole.withdrawing[p] = 1
		}
	}
	if faults := whole.check([]uint64{0, 1, 2, 3, 4}); len(faults) != 0 {
		t.Errorf("a whole book has faults: %v", faults)
	}
	for what, spoil := range map[string]func(*groupBook){
		"was withdrawn, and taken 1 times":  func(g *groupBook) { g.withdrawn[1] = 1 },
		"was withdrawn, and taken 0 times":  func(g *groupBook) { g.withdrawn[2] = 1 },
		"was neither handled nor reported":  func(g *groupBook) { delete(g.withdrawn, 3) },
		"4, taken 0 times, was neither":     func(g *groupBook) { g.withdrawing[4] = 0 },
		"was taken 2 times":                 func(g *groupBook) { g.taken[0] = 2 },
		"a message at position 9 was taken": func(g *groupBook) { g.taken[9] = 1 },
	} {
		g := newGroupBook()
		g.taken[0], g.ended[0], g.taken[1], g.ended[1], g.reported[2], g.withdrawn[3], g.withdrawing[4] = 1, 1, 1, 1, 1, 1, 1
		spoil(g)
		if faults := g.check([]uint64{0, 1, 2, 3, 4}); len(faults) != 1 || !strings.Contains(faults[0], what) {
			t.Errorf("%v, want one that %q", faults, what)
		}
	}
}
