package wire

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite golden files")

const testDomain = 0xd0

// begin starts a frame of a type from node 7, session 1000, packet 42.
func begin(typ, flags uint8) []byte {
	return Begin(nil, &Header{Flags: flags, Type: typ, Domain: testDomain, Node: 7, Session: 1000, Number: 42})
}

func end(b []byte) []byte {
	Finish(b)
	return b
}

// samples holds one frame of every type, made by our own encoder.
func samples() map[string][]byte {
	m := make(map[string][]byte)
	m["data"] = dataFrame()
	hb := Heartbeat{Next: 900, Trail: 100, Lane: 1, SendMicros: 5, RoundTripMicros: 200, Members: 3}
	m["heartbeat"] = end(hb.AppendTo(begin(TypeHeartbeat, FlagStatusWanted)))
	nak := Nak{Session: 1234, Base: 500, HighestDelta: 70000, Lane: 0, Flags: 1}
	b := nak.AppendTo(begin(TypeNak, FlagUnicast))
	b = AppendNakRange(b, 0, 1)
	b = AppendNakRange(b, 3, 9)
	m["nak"] = end(AppendNakRange(b, 66000, 4000))
	ncf := Ncf{Session: 1234, First: 5, Last: 9, Trail: 10, Reason: 2}
	m["ncf"] = end(ncf.AppendTo(begin(TypeNcf, FlagUnicast)))
	st := Status{Session: 1234, Taken: 10, Highest: 20, Credit: 30, ReceivedRate: 40, Overruns: 50, EchoMicros: 60, HoldMicros: 70,
		DelayMicros: 80, FirstLost: 90, WantVersion: 3, Flags: 1}
	m["status"] = end(AppendFullTopic(AppendFullTopic(st.AppendTo(begin(TypeStatus, FlagUnicast)), 1, 2), 3, 4))
	h := Hello{Epoch: 1, SendMicros: 2, RoundTripMicros: 3, TableVersion: 4, WantVersion: 5, Members: 6, Flags: 1, VersionMin: 1, VersionMax: 2,
		Name: []byte("east"), Host: []byte("box")}
	m["hello"] = end(h.AppendTo(begin(TypeHello, 0)))
	h.HasHears, h.Hears = true, Hears{Known: 3, Health: 2}
	b = h.AppendTo(begin(TypeHello, 0))
	at := len(b) - HearHeadSize
	b = AppendHearRow(b, at, &HearRow{Node: 8, SilenceMillis: 700, Flags: HearUnicast})
	m["hello-hears"] = end(AppendHearRow(b, at, &HearRow{Node: 9, SilenceMillis: 1100, Flags: HearSuspected}))
	m["setup"] = setupFrame()
	w := Want{Version: 9, Part: 0, Parts: 2}
	m["want"] = end(AppendName(AppendName(w.AppendTo(begin(TypeWant, FlagUnicast)), "orders.*"), "prices.>"))
	bye := Bye{Reason: 1}
	m["bye"] = end(bye.AppendTo(begin(TypeBye, FlagEndOfSession)))
	m["unicast-data"] = end(unicastFrame())
	ack := UnicastAck{Session: 1234, Stream: 3, Next: 8, Mask: 5, Back: 10, WantVersion: 9, Window: 64, Name: []byte("orders.*")}
	m["unicast-ack"] = end(ack.AppendTo(begin(TypeUnicastAck, FlagUnicast)))
	stale := SessionStale{Seen: 77}
	m["stale"] = end(stale.AppendTo(begin(TypeSessionStale, FlagUnicast)))
	probe := Probe{Bytes: 100}
	m["probe"] = end(probe.AppendTo(begin(TypeProbe, 0)))
	echo := Probe{Session: 1234, Number: 99, Bytes: 8932, Echo: true, Group: true}
	m["probe-echo"] = end(echo.AppendTo(begin(TypeProbe, FlagUnicast)))
	return m
}

// historyRows is one row of each kind.
func historyRows() []byte {
	b := AppendHistoryTopic(nil, &TopicRow{SlotCount: 64, SlotPayload: 2048, Mode: 1, Kind: 1, Purpose: 1, Name: []byte("orders.eu")})
	row := HistoryRow{Node: 7, Epoch: 8, Generation: 9, Index: 10, Handle: 11, Sequence: 12, TimestampNs: 13, SchemaHash: 14, UserFlags: 15,
		Kind: 1, Content: 2, Record: 2, Block: bytes.Repeat([]byte{7}, BlockSize), Payload: []byte("hello")}
	b = row.AppendTo(b)
	place := HistoryRow{Node: 7, Epoch: 8, Generation: 9, Index: 10, Handle: 11, Sequence: 20, Record: 3}
	return place.AppendTo(b)
}

func unicastFrame() []byte {
	u := UnicastData{Session: 1234, Stream: 3, Chunk: 8, Last: true, Bytes: historyRows()}
	return u.AppendTo(begin(TypeUnicastData, FlagUnicast))
}

func dataMessages() []Message {
	return []Message{
		{Topic: 1, Sequence: 9, Producer: 2, UserFlags: 8, Flags: 3, Payload: []byte("hello")},
		{Topic: 1, Sequence: 10, Producer: 2, Flags: 3},
		{Topic: 5, Sequence: 1 << 31, Producer: 3, Flags: 1 | 4 | 8, Kind: 1, Content: 2, SchemaHash: 0xabcd, TotalLength: 100, TimestampNs: 1e18,
			Block: bytes.Repeat([]byte{7}, BlockSize), Payload: []byte("twelve bytes")},
	}
}

func dataFrame() []byte {
	var raw []byte
	for _, m := range dataMessages() {
		x := make([]byte, m.Size())
		m.Put(x)
		raw = append(raw, x...)
	}
	d := Data{Lane: 0, Count: 3, RawLength: uint16(len(raw)), LaneSequence: 1000, TrailDelta: 900, SendMicros: 12, Body: raw}
	return end(d.AppendTo(begin(TypeData, 0)))
}

func setupFrame() []byte {
	s := Setup{TableVersion: 3, Snapshot: 4, Part: 0, Parts: 1}
	b := s.AppendTo(begin(TypeSetup, FlagUnicast))
	b = AppendLane(b, &LaneRow{Next: 10, Trail: 5, Lane: 0, Window: 100, Class: 1})
	b = AppendLane(b, &LaneRow{Next: 0, Trail: 0, Lane: 1, Window: 50, Class: 2})
	b = AppendTopic(b, &TopicRow{Topic: 1, Lane: 0, SlotCount: 64, SlotPayload: 2048, History: 1, Mode: 1, Kind: 1, Purpose: 1, Name: []byte("orders.eu")})
	b = AppendProducer(b, &ProducerRow{Node: 7, Epoch: 8, Generation: 9, Index: 10, Handle: 11, First: 1, Last: 100, FirstLane: 3, Topic: 1, Producer: 1})
	return end(b)
}

// parse reads any frame; it is what a receiver does before it looks at its state.
func parse(b []byte, p *parsed) Reason {
	if r := ParseHeader(b, testDomain, &p.header); r != OK {
		return r
	}
	body := b[HeaderSize:]
	switch p.header.Type {
	case TypeData:
		if r := ParseData(body, p.header.Flags, &p.data); r != OK || p.header.Flags&FlagLz4 != 0 {
			return r
		}
		if r := CheckMessages(p.data.Body, int(p.data.Count)); r != OK {
			return r
		}
		for raw := p.data.Body; len(raw) > 0; {
			raw = NextMessage(raw, &p.message)
		}
		return OK
	case TypeHeartbeat:
		return ParseHeartbeat(body, &p.heartbeat)
	case TypeNak:
		return ParseNak(body, &p.nak)
	case TypeNcf:
		return ParseNcf(body, &p.ncf)
	case TypeStatus:
		return ParseStatus(body, &p.status)
	case TypeHello:
		return ParseHello(body, &p.hello)
	case TypeSetup:
		return ParseSetup(body, &p.setup)
	case TypeWant:
		return ParseWant(body, &p.want)
	case TypeUnicastData:
		return ParseUnicastData(body, &p.unicast)
	case TypeUnicastAck:
		return ParseUnicastAck(body, &p.ack)
	case TypeBye:
		return ParseBye(body, &p.bye)
	case TypeProbe:
		return ParseProbe(body, &p.probe)
	}
	return ParseSessionStale(body, &p.stale)
}

type parsed struct {
	header    Header
	data      Data
	message   Message
	heartbeat Heartbeat
	nak       Nak
	ncf       Ncf
	status    Status
	hello     Hello
	setup     Setup
	want      Want
	bye       Bye
	stale     SessionStale
	probe     Probe
	unicast   UnicastData
	ack       UnicastAck
}

// again encodes what was parsed.
func (p *parsed) again(typ uint8) []byte {
	b := Begin(nil, &p.header)
	switch typ {
	case TypeData:
		b = p.data.AppendTo(b)
	case TypeHeartbeat:
		b = p.heartbeat.AppendTo(b)
	case TypeNak:
		b = p.nak.AppendTo(b)
	case TypeNcf:
		b = p.ncf.AppendTo(b)
	case TypeStatus:
		b = p.status.AppendTo(b)
	case TypeHello:
		b = p.hello.AppendTo(b)
	case TypeSetup:
		b = p.setup.AppendTo(b)
	case TypeWant:
		b = p.want.AppendTo(b)
	case TypeBye:
		b = p.bye.AppendTo(b)
	case TypeUnicastData:
		b = p.unicast.AppendTo(b)
	case TypeUnicastAck:
		b = p.ack.AppendTo(b)
	case TypeSessionStale:
		b = p.stale.AppendTo(b)
	case TypeProbe:
		b = p.probe.AppendTo(b)
	}
	return end(b)
}

func TestGolden(t *testing.T) {
	for name, frame := range samples() {
		file := filepath.Join("testdata", name+".hex")
		text := hex.Dump(frame)
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s:\n%swant:\n%s", name, text, want)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for name, frame := range samples() {
		var p parsed
		if r := parse(frame, &p); r != OK {
			t.Errorf("%s: %v", name, r)
			continue
		}
		if got := p.again(TypeOf(frame)); !bytes.Equal(got, frame) {
			t.Errorf("%s comes back as\n%swant\n%s", name, hex.Dump(got), hex.Dump(frame))
		}
	}
}

func TestDataMessages(t *testing.T) {
	var p parsed
	if r := parse(dataFrame(), &p); r != OK {
		t.Fatal(r)
	}
	raw := p.data.Body
	for i, want := range dataMessages() {
		var m Message
		raw = NextMessage(raw, &m)
		if m.Topic != want.Topic || m.Sequence != want.Sequence || m.Producer != want.Producer || m.Flags != want.Flags ||
			m.Kind != want.Kind || m.Content != want.Content || m.SchemaHash != want.SchemaHash || m.TotalLength != want.TotalLength ||
			m.TimestampNs != want.TimestampNs || m.UserFlags != want.UserFlags || !bytes.Equal(m.Block, want.Block) || !bytes.Equal(m.Payload, want.Payload) {
			t.Errorf("message %d: %+v, want %+v", i, m, want)
		}
	}
	if len(raw) != 0 {
		t.Errorf("%d bytes left", len(raw))
	}
}

// The rows of a history come back; what cannot be a row is refused.
func TestHistoryRows(t *testing.T) {
	b := historyRows()
	var records []uint8
	for rest := b; len(rest) != 0; {
		n, r := HistoryRowSizeOf(rest)
		if r != OK || n == 0 || n > len(rest) {
			t.Fatalf("size %d of %d, %v", n, len(rest), r)
		}
		var row HistoryRow
		ParseHistoryRow(rest[:n], &row)
		if !bytes.Equal(row.AppendTo(nil), rest[:n]) {
			t.Errorf("row %d comes back as %+v", row.Record, row)
		}
		var topic TopicRow
		if row.Record == 1 && (ParseHistoryTopic(row.Payload, &topic) != OK || string(topic.Name) != "orders.eu" || topic.SlotCount != 64) {
			t.Errorf("topic %+v", topic)
		}
		records, rest = append(records, row.Record), rest[n:]
	}
	if !bytes.Equal(records, []byte{1, 2, 3}) {
		t.Errorf("records %v", records)
	}
	for _, at := range []int{44, 45, 46, 35} { // record, flags, reserved, length
		c := bytes.Clone(b)
		c[at] = 0x7f
		if _, r := HistoryRowSizeOf(c); r == OK {
			t.Errorf("a row with another byte %d is taken", at)
		}
	}
}

func TestSetupRows(t *testing.T) {
	var p parsed
	if r := parse(setupFrame(), &p); r != OK {
		t.Fatal(r)
	}
	if l := p.setup.Lane(0); l != (LaneRow{Next: 10, Trail: 5, Lane: 0, Window: 100, Class: 1}) {
		t.Errorf("lane %+v", l)
	}
	var topic TopicRow
	var producer ProducerRow
	if p.setup.NextProducer(&producer) {
		t.Error("a producer came before the topics were read")
	}
	if !p.setup.NextTopic(&topic) || string(topic.Name) != "orders.eu" || topic.SlotPayload != 2048 || p.setup.NextTopic(&topic) {
		t.Errorf("topic %+v", topic)
	}
	want := ProducerRow{Node: 7, Epoch: 8, Generation: 9, Index: 10, Handle: 11, First: 1, Last: 100, FirstLane: 3, Topic: 1, Producer: 1}
	if !p.setup.NextProducer(&producer) || producer != want || p.setup.NextProducer(&producer) {
		t.Errorf("producer %+v", producer)
	}
}

// Each change of a good frame is refused for its own reason.
func TestRefusals(t *testing.T) {
	s := samples()
	for _, c := range []struct {
		name, frame string
		change      func(b []byte) []byte
		want        Reason
	}{
		{"a short one", "bye", func(b []byte) []byte { return b[:31] }, BadTruncated},
		{"another magic", "bye", func(b []byte) []byte { b[0]++; return b }, BadMagic},
		{"another version", "bye", func(b []byte) []byte { b[2] = 2; return b }, BadVersion},
		{"a byte more", "bye", func(b []byte) []byte { return append(b, 0) }, BadLength},
		{"a byte less", "bye", func(b []byte) []byte { return b[:len(b)-1] }, BadLength},
		{"another domain", "bye", func(b []byte) []byte { b[8]++; return b }, BadDomain},
		{"node 0", "bye", func(b []byte) []byte { b[12] = 0; return b }, BadNode},
		{"session 0", "bye", func(b []byte) []byte { copy(b[16:24], make([]byte, 8)); return b }, BadSession},
		{"encrypted", "bye", func(b []byte) []byte { b[3] |= 1; return b }, BadFlags},
		{"an unknown flag", "bye", func(b []byte) []byte { b[3] |= 128; return b }, BadFlags},
		{"compressed control", "bye", func(b []byte) []byte { b[3] |= FlagLz4; return b }, BadFlags},
		{"a key", "bye", func(b []byte) []byte { b[5] = 1; return b }, BadKey},
		{"a type to come", "bye", func(b []byte) []byte { b[4] = 13; return b }, BadType},
		{"a type to ignore", "bye", func(b []byte) []byte { b[4] = 130; return b }, BadIgnorable},
		{"reserved bytes", "bye", func(b []byte) []byte { b[36] = 1; return b }, BadReserved},
		{"a longer body", "bye", func(b []byte) []byte { return end(append(b, 0)) }, BadSize},
		{"no messages", "data", func(b []byte) []byte { b[36] = 0; return b }, BadCount},
		{"too many messages", "data", func(b []byte) []byte { b[36]++; return b }, BadMessage},
		{"too few messages", "data", func(b []byte) []byte { b[36]--; return b }, BadCount},
		{"a wrong raw length", "data", func(b []byte) []byte { b[38] += 8; return b }, BadCount},
		{"zeros behind the messages", "data", func(b []byte) []byte { return end(append(b, make([]byte, FillMax)...)) }, OK},
		{"one too many", "data", func(b []byte) []byte { return end(append(b, make([]byte, FillMax+1)...)) }, BadCount},
		{"one that is none", "data", func(b []byte) []byte { return end(append(b, 0, 1, 0)) }, BadReserved},
		{"a trail above", "data", func(b []byte) []byte { b[48+3] = 0xff; return b }, BadRange},
		{"a long message", "data", func(b []byte) []byte { b[56+10] = 1; return b }, BadMessage},
		{"a message flag", "data", func(b []byte) []byte { b[56+11] |= 0x80; return b }, BadMessage},
		{"compressed to more", "data", func(b []byte) []byte { b[3] |= FlagLz4; b[38], b[36] = 16, 1; return b }, BadCompression},
		{"trail above next", "heartbeat", func(b []byte) []byte { b[32+15] = 1; return b }, BadRange},
		{"ranges that cross", "nak", func(b []byte) []byte { copy(b[56+6:], b[56:56+6]); return b }, BadRange},
		{"an empty range", "nak", func(b []byte) []byte { b[56+4] = 0; return b }, BadRange},
		{"a range above highest", "nak", func(b []byte) []byte { b[48], b[49], b[50] = 1, 0, 0; return b }, BadRange},
		{"half a range", "nak", func(b []byte) []byte { return end(b[:len(b)-3]) }, BadSize},
		{"a nak flag", "nak", func(b []byte) []byte { b[54] |= 0x80; return b }, BadFlags},
		{"an ncf without reason", "ncf", func(b []byte) []byte { b[32+38] = 0; return b }, BadRange},
		{"taken above highest", "status", func(b []byte) []byte { b[32+8+7] = 1; return b }, BadRange},
		{"a wrong count of full topics", "status", func(b []byte) []byte { b[32+60]++; return b }, BadCount},
		{"a name that runs out", "hello", func(b []byte) []byte { b[64] = 200; return b }, BadText},
		{"more nodes that are not heard", "hello-hears", func(b []byte) []byte { b[82]++; return b }, BadCount},
		{"reserved bytes of the vector", "hello-hears", func(b []byte) []byte { b[86] = 1; return b }, BadReserved},
		{"padding before the vector", "hello-hears", func(b []byte) []byte { b[74] = 1; return b }, BadReserved},
		{"only later versions", "hello", func(b []byte) []byte { b[60] = 2; return b }, BadVersion},
		{"a part beyond", "setup", func(b []byte) []byte { b[32+8] = 1; return b }, BadRange},
		{"too many lanes", "setup", func(b []byte) []byte { b[32+12] = 9; return b }, BadCount},
		{"a lane of no class", "setup", func(b []byte) []byte { b[32+24+24] = 0; return b }, BadLane},
		{"a topic without name", "setup", func(b []byte) []byte { b[32+24+64+23] = 0; return b }, BadText},
		{"more producers", "setup", func(b []byte) []byte { b[32+16]++; return b }, BadCount},
		{"an empty name", "want", func(b []byte) []byte { b[48] = 0; return b }, BadText},
		{"more names", "want", func(b []byte) []byte { b[40]++; return b }, BadText},
		{"fewer names", "want", func(b []byte) []byte { b[40]--; return b }, BadCount},
		{"a chunk of another length", "unicast-data", func(b []byte) []byte { b[48]++; return b }, BadCount},
		{"a stream for what is to come", "unicast-data", func(b []byte) []byte { b[50] = 2; return b }, BadRange},
		{"reserved bytes of a chunk", "unicast-data", func(b []byte) []byte { b[52] = 1; return b }, BadReserved},
		{"an ask without a name", "unicast-ack", func(b []byte) []byte { b[66] = 0; return end(b[:72]) }, BadText},
		{"an ask for what is to come", "unicast-ack", func(b []byte) []byte { b[67] = 2; return b }, BadRange},
		{"no session", "stale", func(b []byte) []byte { b[32] = 0; return b }, BadSession},
	} {
		b := c.change(append([]byte(nil), s[c.frame]...))
		var p parsed
		if r := parse(b, &p); r != c.want {
			t.Errorf("%s: %q, want %q", c.name, r, c.want)
		}
	}
}

// A frame cut anywhere never passes.
func TestTruncations(t *testing.T) {
	for name, frame := range samples() {
		for n := range len(frame) {
			b := append([]byte(nil), frame[:n]...)
			if n >= HeaderSize {
				Finish(b)
			}
			var p parsed
			if name == "hello-hears" && n >= len(samples()["hello"]) && n < HeaderSize+HelloHeadSize+16+HearHeadSize {
				continue // a Hello without the vector, followed by what is not known
			}
			if name == "nak" && n > HeaderSize+NakHeadSize && (n-HeaderSize-NakHeadSize)%NakRangeSize == 0 {
				continue // fewer ranges: the length is their count
			}
			if r := parse(b, &p); r == OK {
				t.Errorf("%s cut to %d bytes passes", name, n)
			}
		}
	}
}

func TestParsingAllocatesNothing(t *testing.T) {
	var p parsed
	for name, frame := range samples() {
		if n := testing.AllocsPerRun(100, func() { parse(frame, &p) }); n != 0 {
			t.Errorf("parsing %s allocates %v times, want 0", name, n)
		}
	}
	buffer := make([]byte, 0, 2048)
	nak := Nak{Session: 1, Base: 5, HighestDelta: 9}
	if n := testing.AllocsPerRun(100, func() {
		b := Begin(buffer, &Header{Type: TypeNak, Node: 1, Session: 1})
		b = AppendNakRange(nak.AppendTo(b), 0, 1)
		Finish(b)
	}); n != 0 {
		t.Errorf("building a NAK allocates %v times, want 0", n)
	}
}

// The largest NAK fills what the smallest usual datagram has, tag included.
func TestNakFillsDatagram(t *testing.T) {
	nak := Nak{Session: 1, Base: 5, HighestDelta: 1 << 20}
	b := nak.AppendTo(begin(TypeNak, FlagUnicast))
	for i := range NakRangesMax {
		b = AppendNakRange(b, uint32(i*3), 2)
	}
	if len(b)+TagSize > 1408 || len(b)+TagSize+NakRangeSize <= 1408 {
		t.Errorf("a full NAK has %d bytes", len(b))
	}
	var p parsed
	if r := parse(end(b), &p); r != OK || p.nak.Ranges() != NakRangesMax {
		t.Errorf("%v, %d ranges", r, p.nak.Ranges())
	}
	if r := parse(end(AppendNakRange(b, 1<<19, 1)), &p); r != BadCount {
		t.Errorf("a range more: %v, want %v", r, BadCount)
	}
}

func TestReasonTexts(t *testing.T) {
	seen := make(map[string]bool)
	for r := range Reason(ReasonCount) {
		text := r.String()
		if text == "" || seen[text] || strings.HasPrefix(text, "unknown reason") {
			t.Errorf("reason %d has the text %q", r, text)
		}
		seen[text] = true
	}
}
