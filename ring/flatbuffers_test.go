package ring

import (
	"testing"

	"github.com/ringcast/ringcast/codec/layout"

	flatbuffers "github.com/google/flatbuffers/go"
)

// buildTable builds a table of one number and one text from the end of the slot,
// and returns where it begins.
func buildTable(b *flatbuffers.Builder, room []byte, number uint64, text string) (start int, inside bool) {
	b.Bytes = room
	b.Reset()
	s := b.CreateString(text)
	b.StartObject(2)
	b.PrependUint64Slot(0, number, 0)
	b.PrependUOffsetTSlot(1, s, 0)
	b.Finish(b.EndObject())
	return int(b.Head()), len(b.Bytes) == len(room) && &b.Bytes[0] == &room[0]
}

// readTable reads such a table where it lies.
func readTable(payload []byte) (number uint64, text []byte) {
	var t flatbuffers.Table
	t.Bytes, t.Pos = payload, flatbuffers.GetUOffsetT(payload)
	if o := flatbuffers.UOffsetT(t.Offset(4)); o != 0 {
		number = t.GetUint64(o + t.Pos)
	}
	if o := flatbuffers.UOffsetT(t.Offset(6)); o != 0 {
		text = t.ByteVector(o + t.Pos)
	}
	return number, text
}

// TestTableIsBuiltAndReadInPlace: on two mappings of the same files; the reader's
// is read-only. What it reads is the memory that the writer wrote, not a copy.
func TestTableIsBuiltAndReadInPlace(t *testing.T) {
	node, path := &testNode{}, ringPath(t)
	wf := openFor(t, path, node, 0, Shape{Slots: 64, Payload: 256})
	rf, err := OpenFile(path, testHost{node, 1}, FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, rd := produceFor(t, wf.Ring), joinFor(t, rf.Ring, JoinOptions{})
	b := flatbuffers.NewBuilder(0)
	var m Message
	one := func(number uint64) {
		c, err := p.TryClaim(nil)
		if err != nil {
			t.Fatal(err)
		}
		room := c.Bytes()
		start, inside := buildTable(b, room, number, "in place")
		if !inside {
			t.Fatal("the builder left the slot")
		}
		if err := c.Commit(start, len(room)-start, &Meta{Content: layout.ContentFlatBuffer}); err != nil {
			t.Fatal(err)
		}
		if err := rd.Next(&m); err != nil {
			t.Fatal(err)
		}
		if n, text := readTable(m.Payload); n != number || string(text) != "in place" {
			t.Fatalf("table %d %q", n, text)
		}
	}
	for n := range uint64(200) {
		one(n)
	}
	if n := testing.AllocsPerRun(100, func() { one(7) }); n != 0 {
		t.Errorf("building and reading in place allocates %v times", n)
	}
	_, text := readTable(m.Payload)
	slot := wf.slot(m.Position)
	for i := range slot[layout.SlotHeaderSize:] {
		if slot[layout.SlotHeaderSize+i] == 'p' {
			slot[layout.SlotHeaderSize+i] = 'P' // by the other mapping
		}
	}
	if string(text) != "in Place" {
		t.Errorf("the reader has a copy: %q", text)
	}
	rd.Close()
	closeFor(t, wf, rf)
}

// TestGrownTableIsRefused: a builder that grew has left the slot without a word;
// what it says of its bytes does not fit the slot.
func TestGrownTableIsRefused(t *testing.T) {
	s := newScene(t, Shape{Slots: 64, Payload: 64}, 2)
	rd, p := s.reader(1), s.producer(0)
	c := s.claim(p)
	b := flatbuffers.NewBuilder(0)
	start, inside := buildTable(b, c.Bytes(), 1, string(make([]byte, 500)))
	if inside {
		t.Fatal("500 bytes fit in 64")
	}
	if err := c.Commit(start, len(b.Bytes)-start, &Meta{}); err == nil {
		t.Error("a table that is not in the slot was committed")
	}
	wantEmpty(t, rd)
}
