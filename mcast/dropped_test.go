package mcast

import "testing"

// fifty is a node whose ring holds fifty messages, which nobody wanted yet.
type fifty struct{ *station }

func (s *fifty) Mark(uint64) {}

func (s *fifty) History(*Peer, string, uint32, HistoryMarks) HistoryReader {
	r := &logReader{}
	for n := range uint64(50) {
		r.rows = append(r.rows, Message{Producer: Address{Node: 1, Index: 7}, Sequence: n + 1, Payload: make([]byte, 600)})
	}
	return r
}

// A history whose last name is taken off while its topic is full ends: the chunks that wait are not read
// when the topic is free again.
func TestHistoryDroppedWhileFull(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	a.engine.historian = &fifty{a}
	want := func(list []string, histories []HistoryWant) {
		b.engine.SetHistories(now, histories)
		if err := b.engine.SetWants(now, list); err != nil {
			t.Fatal(err)
		}
	}
	want(nil, nil)
	run(&now, 50*Millisecond, a, b)
	b.onDeliver = func(*Message) { b.engine.SetTopicFull(b.lastPeer, b.lastTopic, true) }
	want([]string{"orders.*"}, []HistoryWant{{"orders.*", 50}})
	run(&now, 20*Millisecond, a, b)
	some := b.delivered
	if some == 0 || some == 50 {
		t.Fatalf("%d delivered: want some", some)
	}
	b.engine.SetTopicFull(b.lastPeer, b.lastTopic, false)
	want([]string{"orders.*"}, nil)
	run(&now, 20*Millisecond, a, b)
	if b.delivered != some || b.engine.CatchingUp() != 0 {
		t.Errorf("%d delivered, %d before; catching up: %d", b.delivered, some, b.engine.CatchingUp())
	}
}
