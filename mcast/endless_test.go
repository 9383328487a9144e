package mcast

import (
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// endless is a node whose history does not end: each message of another producer, of which there are none.
type endless struct{ *station }

func (s *endless) Mark(uint64) {}

func (s *endless) History(*Peer, string, uint32, HistoryMarks) HistoryReader { return &endlessReader{} }

type endlessReader struct{ read uint32 }

func (r *endlessReader) Close() {}

func (r *endlessReader) Next(it *HistoryItem) HistoryResult {
	r.read++
	if r.read == 1 {
		it.Topic, it.Shape = "orders.eu", TopicShape{SlotCount: 64}
		return HistoryTopic
	}
	it.Message = Message{Producer: Address{Node: 1, Generation: r.read, Index: 7}, Sequence: 1}
	return HistoryMessage
}

// A history of made-up producers without end costs no memory beyond the bound, and is given up.
func TestEndlessHistory(t *testing.T) {
	const streams = 200
	now, a, b, _ := joined(t, func(c *Config) { c.Limits.Streams = streams })
	a.engine.historian = &endless{a}
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
