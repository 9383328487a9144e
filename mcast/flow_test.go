package mcast

import (
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

// An SM that was overtaken says nothing of topics that are full, but a forged
// number does not silence a member.
func TestOvertakenStatus(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	status := func(number uint64, full bool) {
		h := wire.Header{Type: wire.TypeStatus, Domain: 7, Node: 2, Session: b.engine.cfg.Session, Number: number}
		s := wire.Status{Session: 11, HoldMicros: wire.NoEcho, DelayMicros: wire.NoEcho, Credit: 100, WantVersion: a.engine.wants.version}
		f := s.AppendTo(wire.Begin(nil, &h))
		if full {
			f = wire.AppendFullTopic(f, uint32(topic), 1)
		}
		wire.Finish(f)
		a.engine.Receive(now, f, b.address, false)
		a.engine.Tick(now)
	}
	status(1<<40, false)
	status(1<<39, true)
	if r := a.engine.Send(now, topic, message(1, nil)); r != Sent {
		t.Errorf("send after an SM that was overtaken: %d", r)
	}
	now += Second
	status(1<<39, true)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Busy {
		t.Errorf("send after an SM that is full: %d, want %d", r, Busy)
	}
}

// When the only member was put out there is nobody to slow down for.
func TestNobodyTetheredIsNotThrottled(t *testing.T) {
	now, a, _, topic := joined(t, func(c *Config) { c.Window = 1000 * MTUDefault })
	sent := uint64(0)
	full := make([]byte, 1200)
	for end := now + 1500*Millisecond; now < end; now += Millisecond {
		for range 50 {
			if a.engine.Send(now, topic, message(sent+1, full)) != Sent {
				break
			}
			sent++
		}
		a.engine.Flush(now)
		a.engine.Tick(now)
	}
	if a.engine.Counters().Untethered != 1 || sent < 30_000 {
		t.Errorf("%d put out, %d sent in a second, want 1, about 50,000", a.engine.Counters().Untethered, sent)
	}
}

// A node that runs late does not take others for dead, but finds the dead.
func TestLateTimers(t *testing.T) {
	now, _, b, _ := joined(t, nil)
	for range 3 {
		now += 900 * Millisecond
		b.engine.Tick(now)
	}
	if len(b.downs) != 0 {
		t.Errorf("down after %v of pauses", now)
	}
	for range 30 {
		now += 300 * Millisecond
		b.engine.Tick(now)
	}
	if len(b.downs) != 1 {
		t.Errorf("downs %v, want one", b.downs)
	}
}
