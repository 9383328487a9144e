package ringcast

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/examples/schema/orders"
	"github.com/ringcast/ringcast/ring"
)

// buildOrder builds an order of some lines.
func buildOrder(b *flatbuffers.Builder, number uint64, lines int) {
	offsets := make([]flatbuffers.UOffsetT, lines)
	for i := range offsets {
		item := b.CreateString(fmt.Sprintf("item %d", i))
		orders.LineStart(b)
		orders.LineAddItem(b, item)
		orders.LineAddQuantity(b, uint32(i+1))
		orders.LineAddCents(b, uint64(i)*100)
		offsets[i] = orders.LineEnd(b)
	}
	vector := b.CreateVectorOfTables(offsets)
	customer := b.CreateString("ada")
	orders.OrderStart(b)
	orders.OrderAddNumber(b, number)
	orders.OrderAddCustomer(b, customer)
	orders.OrderAddLines(b, vector)
	b.Finish(orders.OrderEnd(b))
}

// buildSmallOrder builds an order without allocating.
func buildSmallOrder(b *flatbuffers.Builder, number uint64) {
	customer := b.CreateString("ada")
	orders.OrderStart(b)
	orders.OrderAddNumber(b, number)
	orders.OrderAddCustomer(b, customer)
	b.Finish(orders.OrderEnd(b))
}

// mappingOf names the file and the rights of the mapping in which the bytes lie.
func mappingOf(t testing.TB, b []byte) (path, rights string) {
	t.Helper()
	at, err := strconv.ParseUint(strings.TrimPrefix(fmt.Sprintf("%p", &b[0]), "0x"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	for s := bufio.NewScanner(maps); s.Scan(); {
		var from, to uint64
		f := strings.Fields(s.Text())
		if _, err := fmt.Sscanf(f[0], "%x-%x", &from, &to); err != nil {
			t.Fatal(err)
		}
		if from <= at && at+uint64(len(b)) <= to {
			return f[len(f)-1], f[1]
		}
	}
	t.Fatalf("%d bytes at %#x lie in no mapping", len(b), at)
	return "", ""
}

// TestTableIsBuiltAndReadInPlace: the publisher's builder works in the slot, and
// the subscription's table lies in its own, read-only mapping of the same slot.
func TestTableIsBuiltAndReadInPlace(t *testing.T) {
	ctx := within(t, 10*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	publisher(t, a, "orders.eu", nil) // the maker's mapping was made before the file had a name
	pub := publisher(t, a, "orders.eu", &PublisherConfig{Schema: 0xabcd})
	sub := subscribe(t, b, "orders.eu", nil)
	claim, err := pub.Claim(ctx, 512)
	if err != nil {
		t.Fatal(err)
	}
	builder := claim.Builder()
	if path, rights := mappingOf(t, builder.Bytes); !strings.HasSuffix(path, ".dat") || rights != "rw-s" {
		t.Errorf("the builder works in %s (%s), want the ring's data", path, rights)
	}
	buildOrder(builder, 7, 3)
	if err := claim.Commit(); err != nil {
		t.Fatal(err)
	}
	m := next(t, ctx, sub)
	path, rights := mappingOf(t, m.Payload())
	if !strings.HasPrefix(path, dir) || !strings.HasSuffix(path, ".dat") || rights != "r--s" {
		t.Errorf("the message lies in %s (%s), want the ring's data, read-only", path, rights)
	}
	if m.Content() != ContentFlatBuffer || m.Schema() != 0xabcd {
		t.Errorf("content %d of schema %#x", m.Content(), m.Schema())
	}
	o := orders.GetRootAsOrder(m.Payload(), 0)
	var line orders.Line
	if o.Number() != 7 || string(o.Customer()) != "ada" || o.LinesLength() != 3 || !o.Lines(&line, 2) || string(line.Item()) != "item 2" {
		t.Errorf("order %d of %s with %d lines", o.Number(), o.Customer(), o.LinesLength())
	}
}

func TestClaimedBytes(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "bytes", nil)
	sub := subscribe(t, b, "bytes", nil)
	for _, c := range []struct {
		size int
		end  func(*Claim) error
		want string // "-": nothing is sent
	}{
		{5, (*Claim).Commit, "hello"},
		{5, func(c *Claim) error { return c.CommitN(4) }, "hell"},
		{0, (*Claim).Commit, ""},
		{5, (*Claim).Abort, "-"},
		{2048, func(c *Claim) error { return c.CommitN(0) }, ""},
	} {
		claim, err := pub.Claim(ctx, c.size)
		if err != nil {
			t.Fatal(err)
		}
		if len(claim.Bytes()) != c.size {
			t.Fatalf("claimed %d bytes, got %d", c.size, len(claim.Bytes()))
		}
		copy(claim.Bytes(), "hello")
		if err := c.end(claim); err != nil {
			t.Fatal(err)
		}
		if err := claim.Commit(); err != ErrClaimEnded {
			t.Errorf("second end of a claim: %v, want ErrClaimEnded", err)
		}
		m, err := sub.TryNext()
		if c.want == "-" {
			if err != ErrEmpty {
				t.Errorf("after Abort: %v, %v", m, err)
			}
		} else if err != nil || string(m.Payload()) != c.want {
			t.Errorf("got %q, %v, want %q", m.Payload(), err, c.want)
		}
	}
	if got := pub.producer.Sequence(); got != 4 {
		t.Errorf("sequence %d after four messages and an abort", got)
	}
}

// TestTableThatOutgrowsTheSlot: FlatBuffers moves it to memory of its own without
// a word. Commit notices, says which slots to ask for, and nothing is sent.
func TestTableThatOutgrowsTheSlot(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	pub := publisher(t, b, "orders", &PublisherConfig{Slots: 64, SlotSize: 256})
	sub := subscribe(t, b, "orders", nil)
	for i, wrong := range []func(*flatbuffers.Builder){
		func(b *flatbuffers.Builder) { buildOrder(b, 1, 40) },
		func(b *flatbuffers.Builder) { b.CreateString("never finished") },
	} {
		claim, err := pub.Claim(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		wrong(claim.Builder())
		err = claim.Commit()
		var tooLarge *TooLargeError
		if i == 0 && (!errors.As(err, &tooLarge) || tooLarge.Limit != 256 || tooLarge.Payload < 1000 || tooLarge.Payload%64 != 0) {
			t.Errorf("a table larger than the slot: %v", err)
		}
		if i == 1 && err != ErrUnfinished {
			t.Errorf("an unfinished table: %v, want ErrUnfinished", err)
		}
	}
	if _, err := pub.Claim(ctx, 257); err == nil {
		t.Error("a claim larger than a slot was granted")
	}
	claim, err := pub.Claim(ctx, 256)
	if err != nil {
		t.Fatal(err)
	}
	buildSmallOrder(claim.Builder(), 2)
	if err := claim.Commit(); err != nil {
		t.Fatal(err)
	}
	m := next(t, ctx, sub)
	if o := orders.GetRootAsOrder(m.Payload(), 0); o.Number() != 2 || m.Sequence() != 1 {
		t.Errorf("got order %d, sequence %d; want what was committed, and that only", o.Number(), m.Sequence())
	}
}

// TestTryPublishWhereEverySlotIsHeld: it is ErrFull, before the commit deadline and after it, when the ring says that
// nobody moves: 50 ms for each of the slots, so the short form does not wait for that.
func TestTryPublishWhereEverySlotIsHeld(t *testing.T) {
	ctx := within(t, 30*time.Second)
	b := openBus(t, t.TempDir())
	cfg := &PublisherConfig{Slots: 64}
	for held := 0; held < 64; {
		claims, err := publisher(t, b, "held", cfg).ClaimBatch(ctx, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		held += claims.Len()
	}
	p := publisher(t, b, "held", cfg)
	for {
		if err := p.TryPublish([]byte("x")); err != ErrFull {
			t.Fatalf("error = %v, want ErrFull", err)
		}
		err := p.producer.TryPublish([]byte("x"), &p.meta)
		if err == ring.ErrStalled || testing.Short() {
			break
		}
		if err != ring.ErrFull || ctx.Err() != nil {
			t.Fatalf("the ring says %v, and not that it is stalled: %v", err, ctx.Err())
		}
		time.Sleep(time.Millisecond)
	}
	if err := p.TryPublish([]byte("x")); err != ErrFull {
		t.Errorf("error of a stalled ring = %v, want ErrFull", err)
	}
}

// TestSlowClaimIsFenced: others wait for a claim no longer than the commit
// deadline, and its owner learns it.
func TestSlowClaimIsFenced(t *testing.T) {
	ctx := within(t, 10*time.Second)
	b := openBus(t, t.TempDir())
	slow, quick := publisher(t, b, "fence", nil), publisher(t, b, "fence", nil)
	sub := subscribe(t, b, "fence", nil)
	claim, err := slow.Claim(ctx, 8)
	if err != nil {
		t.Fatal(err)
	}
	if err := quick.Publish(ctx, []byte("behind it")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, ctx, sub); string(m.Payload()) != "behind it" {
		t.Fatalf("got %q", m.Payload())
	}
	if err := claim.Commit(); err != ErrFenced {
		t.Errorf("commit of a claim that was taken: %v, want ErrFenced", err)
	}
	if err := slow.Publish(ctx, []byte("again")); err != nil {
		t.Fatal(err)
	}
	if m := next(t, ctx, sub); string(m.Payload()) != "again" || m.Sequence() != 1 {
		t.Errorf("got %q, sequence %d", m.Payload(), m.Sequence())
	}
}
