package table

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast/codec/fb"
)

func someInfo() ParticipantInfo {
	return ParticipantInfo{
		Name: "pump-7", Version: "1.4.0",
		Interests: []Interest{
			{Name: "orders.eu", Publisher: true},
			{Name: "orders.>", Pattern: true, LocalOnly: true},
			{Name: "ticks", Live: true},
		},
		Services: []Service{{Name: "pricing", Limit: 8, Room: 3}, {Name: "audit"}},
	}
}

func someDirectory() Directory {
	return Directory{Nodes: []NodeInfo{
		{Node: 7, Epoch: 0x1f03, Session: 1 << 41, Name: "n7", Host: "höst", Version: "1",
			Wants:        []string{"orders.>", "ticks"},
			Participants: []RemoteParticipant{{Index: 12, Generation: 5, Language: 1, Info: someInfo()}, {Index: 1, Partial: true}},
			Known:        true, Services: []NodeService{{Name: "pricing", Instances: 2, Limit: 9, Room: 4}}, Departed: []Departure{{Index: 12, Generation: 4, Ending: 2}}},
		{Node: 8},
	}, Lost: []LostNode{{Node: 9, Epoch: 0x77, Ending: 3}}, Forwarded: []ForwardedTopic{{Name: "orders.eu", Alone: 7}, {Name: "ticks"}}}
}

func TestParticipantInfoRoundTrip(t *testing.T) {
	for _, want := range []ParticipantInfo{someInfo(), {}, {Name: "only"}, {Services: []Service{{Name: "s"}}}} {
		got, err := ParseParticipantInfo(AppendParticipantInfo(nil, &want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("round trip = %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestDirectoryRoundTrip(t *testing.T) {
	for _, want := range []Directory{someDirectory(), {}} {
		got, err := ParseDirectory(AppendDirectory(nil, &want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("round trip = %+v, %v; want %+v", got, err, want)
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	info := someInfo()
	b := AppendParticipantInfo([]byte("before"), &info)
	if !bytes.HasPrefix(b, []byte("before")) || !bytes.Equal(b[6:], AppendParticipantInfo(nil, &info)) {
		t.Fatal("the encoding does not stand alone behind what was there")
	}
}

// What the checked reader sees is what the generated accessors see.
func TestAgreesWithGeneratedAccessors(t *testing.T) {
	info := someInfo()
	p := fb.GetRootAsParticipantInfo(AppendParticipantInfo(nil, &info), 0)
	if string(p.Name()) != info.Name || string(p.Version()) != info.Version {
		t.Errorf("name, version = %q, %q", p.Name(), p.Version())
	}
	if p.InterestsLength() != len(info.Interests) || p.ServicesLength() != len(info.Services) {
		t.Fatalf("lengths = %d, %d", p.InterestsLength(), p.ServicesLength())
	}
	for i, want := range info.Interests {
		var x fb.Interest
		p.Interests(&x, i)
		got := Interest{string(x.Name()), x.Pattern(), x.Publisher(), x.LocalOnly(), x.Live(), x.History()}
		if got != want {
			t.Errorf("interest %d = %+v, want %+v", i, got, want)
		}
	}
	for i, want := range info.Services {
		var x fb.ServiceInfo
		p.Services(&x, i)
		if got := (Service{string(x.Name()), x.Limit(), x.Room()}); got != want {
			t.Errorf("service %d = %+v, want %+v", i, got, want)
		}
	}
}

// The bytes of an info are part of the format: other languages read them.
const goldenBytes = "0c000000" + // the root lies at 12
	"08000c0008000400" + // vtable at 4: 8 bytes; table of 12; name at 8, version at 4
	"08000000" + "08000000" + "0c000000" + // table at 12: vtable 8 before; version at 24, name at 32
	"0100000031000000" + "0200000061620000"

func TestGoldenInfo(t *testing.T) {
	info := ParticipantInfo{Name: "ab", Version: "1"}
	b := AppendParticipantInfo(nil, &info)
	if got := hex.EncodeToString(b); got != goldenBytes {
		t.Errorf("encoding = %s,\nwant %s", got, goldenBytes)
	}
	want, err := hex.DecodeString(goldenBytes)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseParticipantInfo(want); err != nil || !reflect.DeepEqual(got, info) {
		t.Errorf("golden bytes = %+v, %v", got, err)
	}
}

// A required string that is absent is corruption, not an empty name.
func TestRequiredFieldAbsent(t *testing.T) {
	b := flatbuffers.NewBuilder(64)
	fb.InterestStart(b)
	fb.InterestAddPattern(b, true)
	interest := fb.InterestEnd(b)
	interests := b.CreateVectorOfTables([]flatbuffers.UOffsetT{interest})
	fb.ParticipantInfoStart(b)
	fb.ParticipantInfoAddInterests(b, interests)
	b.Finish(fb.ParticipantInfoEnd(b))
	_, err := ParseParticipantInfo(b.FinishedBytes())
	wantCorrupt(t, err, "required")
}

func TestInvalidUTF8(t *testing.T) {
	info := ParticipantInfo{Name: "a\xff"}
	_, err := ParseParticipantInfo(AppendParticipantInfo(nil, &info))
	wantCorrupt(t, err, "UTF-8")
}

// n interests that are all the same table: the work must be bounded by the
// size of the buffer, not by what its offsets describe.
func TestSharedTargetsAreBounded(t *testing.T) {
	const n = 20000
	b := flatbuffers.NewBuilder(1 << 17)
	name := b.CreateString(strings.Repeat("x", 1000))
	fb.InterestStart(b)
	fb.InterestAddName(b, name)
	interest := fb.InterestEnd(b)
	offsets := make([]flatbuffers.UOffsetT, n)
	for i := range offsets {
		offsets[i] = interest
	}
	interests := b.CreateVectorOfTables(offsets)
	fb.ParticipantInfoStart(b)
	fb.ParticipantInfoAddInterests(b, interests)
	b.Finish(fb.ParticipantInfoEnd(b))
	_, err := ParseParticipantInfo(b.FinishedBytes()) // would copy 20 MB out of 81 kB
	wantCorrupt(t, err, "shared")
}

func TestEveryTruncationIsCorrupt(t *testing.T) {
	info := someInfo()
	b := AppendParticipantInfo(nil, &info)
	for n := range b {
		got, err := ParseParticipantInfo(b[:n:n])
		if padding := 3; err == nil && n < len(b)-padding && reflect.DeepEqual(got, info) {
			t.Errorf("%d of %d bytes gave the whole info", n, len(b))
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// Every 32-bit place of a directory takes every nasty value; nothing may panic,
// and every error names a place within the buffer.
func TestNastyWords(t *testing.T) {
	d := someDirectory()
	good := AppendDirectory(nil, &d)
	for at := 0; at+4 <= len(good); at++ {
		for _, v := range []uint32{0, 1, 3, 4, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff, uint32(len(good)), uint32(len(good) - at)} {
			b := bytes.Clone(good)
			binary.LittleEndian.PutUint32(b[at:], v)
			mustNotBreak(t, b)
		}
	}
}

func TestRandomScribbles(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d: put it in place of rand.Uint64() to repeat", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	d := someDirectory()
	good := AppendDirectory(nil, &d)
	for range 20000 {
		b := bytes.Clone(good)
		for range 1 + rnd.IntN(8) {
			b[rnd.IntN(len(b))] = byte(rnd.Uint32())
		}
		mustNotBreak(t, b)
	}
}

func mustNotBreak(t *testing.T, b []byte) {
	t.Helper()
	_, err1 := ParseDirectory(b)
	_, err2 := ParseParticipantInfo(b)
	_, err3 := ParseDirectoryUpdate(b)
	for _, err := range []error{err1, err2, err3} {
		var c *CorruptError
		if err != nil && (!errors.As(err, &c) || c.Offset < 0 || c.Offset > len(b)) {
			t.Fatalf("error of %x: %v", b, err)
		}
	}
}

func wantCorrupt(t *testing.T, err error, reason string) {
	t.Helper()
	if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), reason) {
		t.Errorf("error = %v, want a corrupt table: %s", err, reason)
	}
}

func someUpdate() DirectoryUpdate {
	d := someDirectory()
	return DirectoryUpdate{
		Session: 7, Base: 3, Version: 4, Digest: 0xd1, Software: "v1", Participants: d.Nodes[0].Participants,
		Departed: []Departure{{Index: 3, Generation: 9, Ending: 2}}, Rooms: []NodeService{{Name: "pricing", Room: 4}},
		Asks: []DirectoryAsk{{Node: 8, Session: 70}},
	}
}

func TestUpdateRoundTrip(t *testing.T) {
	want := someUpdate()
	got, err := ParseDirectoryUpdate(AppendDirectoryUpdate(nil, &want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	b := AppendDirectoryUpdate(nil, &want)
	for n := range len(b) {
		mustNotBreak(t, b[:n])
	}
}

func FuzzTables(f *testing.F) {
	info, d := someInfo(), someDirectory()
	f.Add(AppendParticipantInfo(nil, &info))
	f.Add(AppendDirectory(nil, &d))
	u := someUpdate()
	f.Add(AppendDirectoryUpdate(nil, &u))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		mustNotBreak(t, b)
		if d, err := ParseDirectory(b); err == nil {
			again, err := ParseDirectory(AppendDirectory(nil, &d))
			if err != nil || !reflect.DeepEqual(again, d) {
				t.Errorf("what was read does not survive a round trip: %v", err)
			}
		}
	})
}

// Builders share a vtable between tables whose fields lie at the same places, though their sizes differ: it has the size
// of the first one. So nothing may be held against that size.
func TestSharedVtables(t *testing.T) {
	for departed := range 40 {
		d := Directory{Lost: []LostNode{{Node: 5, Epoch: 7, Ending: 2}}, Nodes: []NodeInfo{{Node: 1000, Epoch: 77, Session: 5, Known: true,
			Participants: []RemoteParticipant{{Index: 1, Generation: 1}}, Services: []NodeService{{Name: "asked", Instances: 1, Limit: 2, Room: 1}}}}}
		for i := range departed {
			d.Nodes[0].Departed = append(d.Nodes[0].Departed, Departure{Index: uint16(i), Generation: uint32(i), Ending: 2})
		}
		got, err := ParseDirectory(AppendDirectory(nil, &d))
		if err != nil || !reflect.DeepEqual(got, d) {
			t.Fatalf("%d departures: %+v, %v; want %+v", departed, got, err, d)
		}
	}
}
