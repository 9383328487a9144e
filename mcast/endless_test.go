package mcast

import (
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// endless is a node whose history does not end, or after so many messages: each of another producer.
type endless struct {
	*station
	most uint32 // 0: without end
}

func (s *endless) Mark(uint64) {}

func (s *endless) History(*Peer, string, uint32, HistoryMarks) HistoryReader {
	return &endlessReader{most: s.most}
}

type endlessReader struct{ read, most uint32 }

func (r *endlessReader) Close() {}

func (r *endlessReader) Next(it *HistoryItem) HistoryResult {
	r.read++
	if r.read == 1 {
		it.Topic, it.Shape = "orders.eu", TopicShape{SlotCount: 64}
		return HistoryTopic
	}
	if r.most != 0 && r.read > r.most+1 {
		return HistoryEnd
	}
	it.Message = Message{Producer: Address{Node: 1, Generation: r.read, Index: 7}, Sequence: 1}
	return HistoryMessage
}

// A history of made-up producers without end costs no memory beyond the bound, and is given up.
func TestEndlessHistory(t *testing.T) {
	const streams = 200
	now, a, b, _ := joined(t, func(c *Config) { c.Limits.Streams = streams })
	a.engine.historian = &endless{station: a}
	if err := b.engine.SetHistories(now, []HistoryWant{{"orders.*", HistoryAll}}); err != nil {
		t.Fatal(err)
	}
	most := 0
	b.onDeliver = func(*Message) { most = max(most, b.engine.Footprint().Joining) }
	run(&now, 100*Millisecond, a, b)
	if most != streams || b.delivered != streams {
		t.Errorf("%d producers, %d messages delivered: want %d", most, b.delivered, streams)
	}
	if b.engine.CatchingUp() != 0 || b.engine.Counters().Refused[wire.BadMessage] == 0 {
		t.Errorf("still catching up: %d, refused %d", b.engine.CatchingUp(), b.engine.Counters().Refused[wire.BadMessage])
	}
}

// A history counts by its own producers alone: a node that remembers as many others as it may takes it all.
func TestHistoryBesideManyPlaces(t *testing.T) {
	const streams = 20
	now, a, b, topic := joined(t, func(c *Config) { c.Limits.Streams = streams })
	for i := range uint32(streams) {
		a.engine.Send(now, topic, &Message{Producer: Address{Node: 1, Generation: 1000 + i, Index: 7}, Sequence: 1})
	}
	a.engine.Flush(now)
	run(&now, 20*Millisecond, a, b)
	if err := b.engine.SetWants(now, nil); err != nil {
		t.Fatal(err)
	}
	run(&now, 20*Millisecond, a, b)
	before := b.delivered
	a.engine.historian = &endless{a, streams}
	if err := b.engine.SetHistories(now, []HistoryWant{{"orders.*", HistoryAll}}); err != nil {
		t.Fatal(err)
	}
	if err := b.engine.SetWants(now, []string{"orders.*"}); err != nil {
		t.Fatal(err)
	}
	run(&now, Second, a, b)
	if got := b.delivered - before; before != streams || got != streams || b.engine.Counters().Refused[wire.BadMessage] != 0 {
		t.Errorf("%d, then %d delivered: want %d each", before, got, streams)
	}
}
