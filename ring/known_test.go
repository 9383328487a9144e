package ring

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// TestKnownHeaders: messages say what their Meta said, however many alike came before, and
// by whichever call each was sent.
func TestKnownHeaders(t *testing.T) {
	for _, kind := range bothKinds {
		testKnownHeaders(t, kind)
	}
}

// An expected is what a message should say.
type expected struct {
	meta    Meta
	payload []byte
	own     uint64 // sequence of our own; 0: another's
}

func testKnownHeaders(t *testing.T, kind Kind) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newScene(t, small(kind), 2)
	p, rd := s.producer(0), s.reader(1)
	metas := []Meta{
		{}, {Kind: 1, Content: layout.ContentFlatBuffer, Schema: 7}, {Schema: 7}, {Flags: layout.MessageFlagRemote},
		{TimestampNs: 5}, {Source: shm.Address{Node: 9, Handle: 3}, Sequence: 77},
	}
	payloads := [][]byte{[]byte("x"), []byte("yz"), {}}
	known := 0
	for own := uint64(0); own < 3000; {
		m, b := metas[rng.IntN(len(metas))], payloads[rng.IntN(len(payloads))]
		for range 1 + rng.IntN(5) {
			want := expected{meta: m, payload: b}
			if m.Sequence == 0 {
				own++
				want.own = own
			}
			if p.known.fits(placeWord(layout.SlotHeaderSize, len(b)), &m) && m.Sequence == 0 {
				known++
			}
			n := sendSomehow(t, rng, p, b, m)
			for i := range n {
				checkKnown(t, rd, p, want, uint64(i))
			}
			if m.Sequence == 0 {
				own += uint64(n) - 1
			}
		}
	}
	if known < 500 {
		t.Errorf("%v: %d headers were known: want most of them", kind, known)
	}
}

// sendSomehow sends b once or several times, and says how often.
func sendSomehow(t *testing.T, rng *rand.Rand, p *Producer, b []byte, m Meta) int {
	t.Helper()
	var err error
	var c Claim
	switch way := rng.IntN(4); {
	case way == 0:
		err = p.TryPublish(b, &m)
	case way == 1:
		if c, err = p.TryClaim(nil); err == nil {
			copy(c.Bytes(), b)
			err = c.Commit(0, len(b), &m)
		}
	case way == 2 && m.Sequence == 0 && p.MayLend():
		p.Lend(&c)
		copy(c.Bytes(), b)
		p.CommitLent(len(b), &m)
	default:
		return sendClaims(t, p, b, &m)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 1
}

func sendClaims(t *testing.T, p *Producer, b []byte, m *Meta) int {
	t.Helper()
	c, err := p.TryClaimBatch(3)
	if err != nil {
		t.Fatal(err)
	}
	lengths := make([]int, c.Len())
	for i := range lengths {
		lengths[i] = copy(c.Bytes(i), b)
	}
	sent, err := c.Commit(lengths, m)
	if err != nil || sent != len(lengths) {
		t.Fatalf("%d of %d sent: %v", sent, len(lengths), err)
	}
	return sent
}

// checkKnown reads message i of those that were sent together.
func checkKnown(t *testing.T, rd *Reader, p *Producer, want expected, i uint64) {
	t.Helper()
	var m Message
	if err := rd.Next(&m); err != nil {
		t.Fatal(err)
	}
	source, sequence, flags := p.Address(), want.own+i, want.meta.Flags|wholeMessage
	if want.own == 0 {
		source, sequence = want.meta.Source, want.meta.Sequence+i
	}
	if want.meta.TimestampNs != 0 {
		flags |= layout.MessageFlagTimestamped
	}
	if m.Producer != source || m.Sequence != sequence || m.Flags != flags || m.TimestampNs != want.meta.TimestampNs ||
		m.Kind != want.meta.Kind || m.Content != want.meta.Content || m.Schema != want.meta.Schema || !bytes.Equal(m.Payload, want.payload) {
		t.Fatalf("message %+v: want %+v of %v, sequence %d, flags %#x", m, want, source, sequence, flags)
	}
}
