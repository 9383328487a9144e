package mcast

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// An ask counts from where its member speaks alone. One that bears that address, too, and a number far above the member's own,
// keeps the member from what was published before for a short while, and not for the session.
func TestForgedAsk(t *testing.T) {
	member := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), 7000)
	for _, from := range []netip.AddrPort{stranger, member} {
		now, a, b, topic := joined(t, nil)
		rs := &ringStation{station: a, holds: 1000, marks: []uint64{0}}
		a.engine.historian = rs
		b.engine.SetWants(now, nil)
		run(&now, 20*Millisecond, a, b)
		for range 10 { // nobody wants them
			rs.sent++
			a.engine.Send(now, topic, message(rs.sent, []byte("x")))
		}
		a.engine.Flush(now)
		a.engine.Receive(now, forgedAsk(b, 1<<30), from, false)
		a.engine.Tick(now)
		if served := a.engine.Counters().HistoriesServed; (served == 0) != (from == stranger) {
			t.Fatalf("from %v: %d streams", from, served)
		}
		asked, first, got := now, Time(0), []uint64(nil)
		b.onDeliver = func(m *Message) {
			if got == nil {
				first = now
			}
			got = append(got, m.Sequence)
		}
		b.engine.SetHistories(now, []HistoryWant{{"orders.eu", HistoryAll}})
		b.engine.SetWants(now, []string{"orders.eu"})
		run(&now, Second, a, b)
		if len(got) != 10 || got[0] != 1 || b.lost != 0 {
			t.Errorf("from %v: %v delivered, %d told as lost: want 1 to 10", from, got, b.lost)
		}
		if d := first - asked; d > servedQuiet+askLast+50*Millisecond {
			t.Errorf("from %v: the history came after %d ms", from, d/Millisecond)
		}
	}
}

// A number below the last one counts only once that one's asker is silent: an ask that was overtaken ends nothing. None
// counts again before its chunks are gone.
func TestOvertakenAsk(t *testing.T) {
	const begun = 10 * Second
	for _, c := range []struct {
		after  Duration // of the last word of stream 7
		number uint32
		want   bool
	}{
		{servedApart - 1, 8, false}, {servedApart, 8, true}, {servedApart, 7, false}, {servedApart, 6, false},
		{servedQuiet - 1, 6, false}, {servedQuiet, 6, true}, {servedQuiet, 7, false}, {servedQuiet, 5, false},
		{servedOnce - 2, 5, true}, {servedOnce - 1, 7, false}, {servedOnce, 7, true},
		{servedApart, 7 + 1<<31 - 1, true}, {servedApart, 7 + 1<<31, false}, {servedQuiet, 7 + 1<<31, true},
	} {
		p := &begunStreams{heard: begun}
		p.note(begun-2, 5)
		p.note(begun, 7)
		if got := p.may(begun+c.after, c.number); got != c.want {
			t.Errorf("stream %d, %d us after stream 7: %v", c.number, c.after/Microsecond, got)
		}
	}
	if p := new(begunStreams); !p.may(0, 1<<31+5) {
		t.Error("the first may not begin")
	}
}

// What is remembered of begun streams has an end.
func TestBegunAreForgotten(t *testing.T) {
	p := new(begunStreams)
	for i := range 3 * servedOnce / servedApart {
		now := Second + Duration(i)*servedApart
		if !p.may(now, uint32(i)) {
			t.Fatalf("stream %d may not begin", i)
		}
		p.note(now, uint32(i))
	}
	if n := len(p.list); n != int(servedOnce/servedApart) {
		t.Errorf("%d are remembered, want %d", n, servedOnce/servedApart)
	}
}

// forgedAsk is one in the second station's name.
func forgedAsk(b *station, number uint32) []byte {
	u := wire.UnicastAck{Session: 11, Stream: number, Back: HistoryAll, WantVersion: b.engine.wants.version, Window: chunksMax, Name: []byte("orders.eu")}
	return forged(2, 22, wire.TypeUnicastAck, u.AppendTo)
}

// wordyStation keeps messages of many sizes, which show their sequence.
type wordyStation struct{ *ringStation }

type wordyReader struct{ HistoryReader }

func wordOf(seq uint64) []byte { return bytes.Repeat([]byte{byte(seq)}, int(300+seq*37%200)) }

func (s wordyStation) History(p *Peer, pattern string, back uint32, since HistoryMarks) HistoryReader {
	return wordyReader{s.ringStation.History(p, pattern, back, since)}
}

func (r wordyReader) Next(it *HistoryItem) HistoryResult {
	result := r.HistoryReader.Next(it)
	if result == HistoryMessage {
		it.Message.Payload = wordOf(it.Message.Sequence)
	}
	return result
}

// runWithout is run, but for the first chunk of any stream.
func runWithout(now *Time, d Duration, a, b *station) {
	for end := *now + d; *now < end; *now += 100 * Microsecond {
		for _, s := range []*station{a, b, a, b} {
			q := s.queue
			s.queue = nil
			for _, p := range q {
				var u wire.UnicastData
				if wire.TypeOf(p.data) != wire.TypeUnicastData || wire.ParseUnicastData(p.data[wire.HeaderSize:], &u) != wire.OK || u.Chunk != 0 {
					s.engine.Receive(*now, p.data, p.from, p.multi)
				}
			}
			s.engine.Tick(*now)
		}
	}
}

// A stream whose first chunk was lost is ended by a forged ask, and its member asks on. The ring has gone on meanwhile: chunks of
// that stream and of another reading under its number are not put together.
func TestTwoReadings(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	rs := &ringStation{station: a, holds: 12, marks: []uint64{0}}
	a.engine.historian = wordyStation{rs}
	b.engine.SetWants(now, nil)
	run(&now, 20*Millisecond, a, b)
	publish := func(n int) {
		for range n {
			rs.sent++
			a.engine.Send(now, topic, message(rs.sent, wordOf(rs.sent)))
		}
		a.engine.Flush(now)
	}
	publish(12)
	var got []uint64
	b.onDeliver = func(m *Message) {
		got = append(got, m.Sequence)
		if !bytes.Equal(m.Payload, wordOf(m.Sequence)) {
			t.Errorf("message %d has other bytes", m.Sequence)
		}
	}
	b.engine.SetHistories(now, []HistoryWant{{"orders.eu", HistoryAll}})
	b.engine.SetWants(now, []string{"orders.eu"})
	runWithout(&now, 30*Millisecond, a, b)
	if a.engine.Counters().ChunksSent < 3 || len(got) != 0 {
		t.Fatalf("%d chunks, %v delivered", a.engine.Counters().ChunksSent, got)
	}
	a.engine.Receive(now, forgedAsk(b, 1<<30), b.address, false)
	publish(5)
	run(&now, 3*Second, a, b)
	want := []uint64{6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}
	if c := b.engine.Counters(); !slices.Equal(got, want) || b.lost != 0 || c.HistoriesGivenUp != 0 {
		t.Errorf("%v delivered, %d told as lost, %d given up", got, b.lost, c.HistoriesGivenUp)
	}
}

// Who begins all numbers that a member will use keeps it from what was published before for as long as that goes on, and
// a few seconds more.
func TestForgedNumbersAhead(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	rs := &ringStation{station: a, holds: 1000, marks: []uint64{0}}
	a.engine.historian = rs
	b.engine.SetWants(now, nil)
	run(&now, 20*Millisecond, a, b)
	for range 10 {
		rs.sent++
		a.engine.Send(now, topic, message(rs.sent, []byte("x")))
	}
	a.engine.Flush(now)
	for number := uint32(1); number <= 200; number++ {
		a.engine.Receive(now, forgedAsk(b, number), b.address, false)
		run(&now, servedApart, a, b)
	}
	run(&now, servedOnce, a, b)
	asked, first, got := now, Time(0), 0
	b.onDeliver = func(*Message) {
		if got++; got == 1 {
			first = now
		}
	}
	b.engine.SetHistories(now, []HistoryWant{{"orders.eu", HistoryAll}})
	b.engine.SetWants(now, []string{"orders.eu"})
	run(&now, 3*Second, a, b)
	if got != 10 || first-asked > 50*Millisecond {
		t.Errorf("%d delivered, the first after %d ms: want 10, and at once", got, (first-asked)/Millisecond)
	}
}

// An owner that takes a member for dead, and meets it again, still knows what it began; also where a forged HELLO of another
// session came meanwhile.
func TestBegunOutliveThePeer(t *testing.T) {
	for _, phantom := range []bool{false, true} {
		begunOutliveThePeer(t, phantom)
	}
}

func begunOutliveThePeer(t *testing.T, phantom bool) {
	now, a, b, _ := joined(t, nil)
	served := func() uint64 { return a.engine.Counters().HistoriesServed }
	a.engine.Receive(now, forgedAsk(b, 7), b.address, false)
	run(&now, 3*Second, a) // b is not heard
	if len(a.downs) != 1 || served() != 1 {
		t.Fatalf("downs %v, %d streams", a.downs, served())
	}
	if phantom {
		hello := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 1}
		a.engine.Receive(now, forged(2, 99, wire.TypeHello, hello.AppendTo), stranger, true)
		run(&now, 3*Second, a)
		if len(a.downs) != 2 {
			t.Fatalf("downs %v: want that the forged session came and went", a.downs)
		}
	}
	b.queue = nil
	run(&now, Second, a, b)
	a.engine.Receive(now, forgedAsk(b, 7), b.address, false)
	if served() != 1 {
		t.Error("a number began twice")
	}
	a.engine.Receive(now, forgedAsk(b, 8), b.address, false)
	if served() != 2 {
		t.Errorf("%d streams, want 2", served())
	}
}
