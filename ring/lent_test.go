package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestLentAmongOthers: messages in claims that are lent, kept, given up, copied, in
// batches and through the long way come in order, with every word of their headers.
func TestLentAmongOthers(t *testing.T) {
	seed := testSeed(t)
	rng := rand.New(rand.NewPCG(seed, 2))
	lent := map[Kind]int{}
	for _, kind := range bothKinds {
		s := newScene(t, small(kind), 2)
		p, rd := s.producer(0), s.reader(1)
		var c Claim // lent again and again
		for i := range 3000 {
			text := fmt.Appendf(nil, "%d", i)
			m := Meta{Schema: uint32(i), Kind: uint8(i % 3), Content: uint8(i % 2), TimestampNs: uint64(i % 2), Flags: uint16(i%2) << 8}
			before := p.Sequence()
			if rng.IntN(4) > 0 && lend(p, &c) {
				lent[kind]++
				n := copy(c.Bytes(), text)
				switch what := rng.IntN(5); what {
				case 0, 1, 2:
					if err := commitLent(p, n, &m); err != nil {
						t.Fatal(err)
					}
				default:
					p.KeepLent()
					if p.MayLend() {
						t.Fatal("a second claim may be lent beside one that was kept")
					}
					if what == 3 {
						if err := c.Abort(); err != nil {
							t.Fatal(err)
						}
						continue
					}
					if err := c.Commit(0, n, &m); err != nil {
						t.Fatal(err)
					}
				}
			} else if rng.IntN(2) == 0 {
				if err := p.TryPublish(text, &m); err != nil {
					t.Fatal(err)
				}
			} else if n, err := p.TryPublishBatch([][]byte{text}, &m); n != 1 || err != nil {
				t.Fatal(n, err)
			}
			var got Message
			if err := rd.Next(&got); err != nil {
				t.Fatal(err)
			}
			flags := m.Flags | wholeMessage | uint16(i%2)<<4
			if string(got.Payload) != string(text) || got.Sequence != before+1 || got.Producer != p.Address() || got.Schema != m.Schema ||
				got.Kind != m.Kind || got.Content != m.Content || got.TimestampNs != m.TimestampNs || got.Flags != flags {
				t.Fatalf("%v: message %d is %+v, %q", kind, i, got, got.Payload)
			}
		}
	}
	if lent[Shared] == 0 || lent[Exclusive] == 0 {
		t.Errorf("lent: %v", lent)
	}
}

func lend(p *Producer, c *Claim) bool {
	if p.Shared() {
		return p.LendShared(c)
	}
	may := p.MayLend()
	if may {
		p.Lend(c)
	}
	return may
}

func commitLent(p *Producer, n int, m *Meta) error {
	if p.Shared() {
		return p.CommitLentShared(n, m)
	}
	if p.CommitLent(n, m) {
		return fmt.Errorf("somebody sleeps")
	}
	return nil
}
