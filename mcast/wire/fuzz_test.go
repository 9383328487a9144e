package wire

import (
	"bytes"
	"testing"
)

// fuzzFrame runs any bytes through the parser of one type: no crash, and what is
// taken comes back the same.
func fuzzFrame(f *testing.F, typ uint8) {
	for _, b := range samples() {
		if TypeOf(b) == typ {
			f.Add(b[HeaderSize:], FlagsOf(b))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, flags uint8) {
		if len(body) > FrameMax-HeaderSize {
			return
		}
		frame := end(append(begin(typ, flags), body...))
		var p parsed
		if parse(frame, &p) != OK {
			return
		}
		got := p.again(typ)
		if typ == TypeHello || typ == TypeData {
			frame = end(frame[:len(got)]) // a Hello may be followed by what is not known, Data by zeros
		}
		if !bytes.Equal(got, frame) {
			t.Errorf("%x comes back as %x", frame, got)
		}
	})
}

func FuzzData(f *testing.F)         { fuzzFrame(f, TypeData) }
func FuzzHeartbeat(f *testing.F)    { fuzzFrame(f, TypeHeartbeat) }
func FuzzNak(f *testing.F)          { fuzzFrame(f, TypeNak) }
func FuzzNcf(f *testing.F)          { fuzzFrame(f, TypeNcf) }
func FuzzStatus(f *testing.F)       { fuzzFrame(f, TypeStatus) }
func FuzzHello(f *testing.F)        { fuzzFrame(f, TypeHello) }
func FuzzSetup(f *testing.F)        { fuzzFrame(f, TypeSetup) }
func FuzzWant(f *testing.F)         { fuzzFrame(f, TypeWant) }
func FuzzBye(f *testing.F)          { fuzzFrame(f, TypeBye) }
func FuzzSessionStale(f *testing.F) { fuzzFrame(f, TypeSessionStale) }
func FuzzProbe(f *testing.F)        { fuzzFrame(f, TypeProbe) }

func FuzzUnicastData(f *testing.F) { fuzzFrame(f, TypeUnicastData) }
func FuzzUnicastAck(f *testing.F)  { fuzzFrame(f, TypeUnicastAck) }

// FuzzHistory gives any bytes to the reader of a stream's rows.
func FuzzHistory(f *testing.F) {
	f.Add(historyRows())
	f.Fuzz(func(t *testing.T, b []byte) {
		for {
			n, r := HistoryRowSizeOf(b)
			if r != OK || n == 0 || n > len(b) {
				return
			}
			var row HistoryRow
			ParseHistoryRow(b[:n], &row)
			var topic TopicRow
			if row.Record == 1 && ParseHistoryTopic(row.Payload, &topic) == OK && (len(topic.Name) == 0 || len(topic.Name) > NameMax) {
				t.Errorf("a name of %d bytes", len(topic.Name))
			}
			b = b[n:]
		}
	})
}

// FuzzFrame gives any bytes to the whole parser.
func FuzzFrame(f *testing.F) {
	for _, b := range samples() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p parsed
		parse(b, &p)
	})
}

// FuzzTable gives any bytes to the reader of a table in a lane.
func FuzzTable(f *testing.F) {
	topic := TopicRow{Topic: 1, Name: []byte("a.b")}
	producer := ProducerRow{Topic: 1, Producer: 2, First: 1}
	f.Add(AppendTable(nil, &topic, &producer))
	f.Add(AppendTable(nil, nil, &producer))
	f.Fuzz(func(t *testing.T, b []byte) {
		var table Table
		if ParseTable(b, &table) != OK {
			return
		}
		var topic TopicRow
		for table.NextTopic(&topic) {
			if len(topic.Name) == 0 || len(topic.Name) > NameMax {
				t.Errorf("a name of %d bytes", len(topic.Name))
			}
		}
		var producer ProducerRow
		for table.NextProducer(&producer) {
			if producer.Producer == 0 || producer.Topic == 0 {
				t.Errorf("producer %+v", producer)
			}
		}
	})
}
