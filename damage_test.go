package ringcast

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
)

// claimsStart is where the claim words of a ring begin in its control file.
const claimsStart = layout.SegmentHeaderSize + layout.RingGeometrySize + layout.RingControlSize

// scribble writes a word into the file that others have mapped.
func scribble(t *testing.T, path string, at int64, w uint64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, w), at); err != nil {
		t.Fatal(err)
	}
}

// TestScribbledRingIsReplaced: a claim word that nobody writes costs its ring.
// Publisher and subscription meet again in its successor, and nothing that was
// published before or after is missed.
func TestScribbledRingIsReplaced(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	a, b := openBus(t, dir), openBus(t, dir)
	pub := publisher(t, a, "spoilt", &PublisherConfig{Slots: 64})
	other := publisher(t, a, "sound", nil)
	sub, sound := subscribe(t, b, "spoilt", nil), subscribe(t, b, "sound", nil)
	for i := range 10 {
		if err := pub.Publish(ctx, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
		next(t, ctx, sub)
	}
	id := pub.file.ID()
	scribble(t, filepath.Join(dir, "default", "topics", "spoilt.ctl"), claimsStart+8*10, 77<<20|layout.ClaimStateReady)
	for i := 10; i < 20; i++ {
		if err := pub.Publish(ctx, fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	if pub.file.ID() == id {
		t.Error("the publisher goes on in the damaged ring")
	}
	for i := 10; i < 20; {
		m, err := sub.Next(ctx)
		if IsEvent(err) {
			t.Log(err)
			continue
		}
		if err != nil || string(m.Payload()) != fmt.Sprint(i) {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
		i++
	}
	if got := pub.file.Shape().Slots; got != 64 {
		t.Errorf("the successor has %d slots, want those of the ring before", got)
	}
	if err := other.Publish(ctx, []byte("x")); err != nil {
		t.Fatal(err)
	}
	next(t, ctx, sound)
}

// TestScribbledSlotIsAnEvent: a payload that lies outside its slot costs that
// message and is told.
func TestScribbledSlotIsAnEvent(t *testing.T) {
	ctx := within(t, 20*time.Second)
	dir := t.TempDir()
	b := openBus(t, dir)
	pub, sub := publisher(t, b, "spoilt", nil), subscribe(t, b, "spoilt", nil)
	for _, text := range []string{"one", "two"} {
		if err := pub.Publish(ctx, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	data, err := filepath.Glob(filepath.Join(dir, "default", "topics", "spoilt.*.dat"))
	if err != nil || len(data) != 1 {
		t.Fatal(data, err)
	}
	scribble(t, data[0], layout.PageSize+layout.SlotHeaderPayloadStartOffset, 1<<40)
	if m, err := sub.Next(ctx); m != nil || !IsEvent(err) {
		t.Errorf("a payload outside its slot: %v, %v", m, err)
	}
	if m := next(t, ctx, sub); string(m.Payload()) != "two" {
		t.Errorf("got %q", m.Payload())
	}
}
