package mcast

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringcast/ringcast/mcast/wire"
)

func message(seq uint64, payload []byte) *Message {
	return &Message{Producer: Address{Node: 1, Index: 3}, Sequence: seq, Payload: payload}
}

func TestConfigIsRefused(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"node 0":         func(c *Config) { c.Node = 0 },
		"session 0":      func(c *Config) { c.Session = 0 },
		"small MTU":      func(c *Config) { c.MTU = 575 },
		"large MTU":      func(c *Config) { c.MTU = 70000 },
		"small window":   func(c *Config) { c.Window = 1408 },
		"message limit":  func(c *Config) { c.MessageLimit = 1 << 24 },
		"producers":      func(c *Config) { c.Limits.Producers = 1 << 16 },
		"negative rate":  func(c *Config) { c.Rate = -1 },
		"negative sizes": func(c *Config) { c.ReorderBuffer = -1 },
		"compression":    func(c *Config) { c.Compression = 9 },
		"seed":           func(c *Config) { c.Seeds = make([]netip.AddrPort, 1) },
		"many seeds":     func(c *Config) { c.Seeds = make([]netip.AddrPort, 257) },
	} {
		c := Config{Node: 1, Session: 1}
		change(&c)
		if _, err := New(&c, &station{}, rand.New(rand.NewPCG(1, 1))); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v, want %v", name, err, ErrConfig)
		}
	}
}

// Two nodes that are up learn of each other, and of what they want, at once.
func TestJoin(t *testing.T) {
	_, a, b, _ := joined(t, nil)
	if a.ups != 1 || b.ups != 1 || len(a.wants) != 1 || a.wants[0] != "orders.*" || b.wants == nil && b.ups != 1 {
		t.Errorf("ups %d %d, wants %q", a.ups, b.ups, a.wants)
	}
	if n := a.engine.WantedBy("prices"); n != 0 {
		t.Errorf("prices are wanted by %d, want 0", n)
	}
}

// Every field of a message comes through.
func TestFields(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	want := Message{Producer: Address{Node: 1, Epoch: 2, Generation: 3, Index: 4, Handle: 5}, Sequence: 1<<32 + 7, Kind: 1, Content: 2, Flags: 0x2c,
		SchemaHash: 6, TimestampNs: 7, Block: bytes.Repeat([]byte{8}, BlockSize), Payload: []byte("nine")}
	b.onDeliver = func(m *Message) {
		if fmt.Sprint(*m) != fmt.Sprint(want) {
			t.Errorf("got %+v, want %+v", *m, want)
		}
	}
	if r := a.engine.Send(now, topic, &want); r != Sent {
		t.Fatal(r)
	}
	a.engine.Flush(now)
	run(&now, 2*Millisecond, a, b)
	if b.delivered != 1 {
		t.Errorf("delivered %d, want 1", b.delivered)
	}
}

func TestSendIsRefused(t *testing.T) {
	now, a, _, topic := joined(t, func(c *Config) { c.MessageLimit = 1000; c.Limits.Producers = 1 })
	other, _ := a.engine.Topic("prices", TopicShape{})
	for _, c := range []struct {
		topic TopicID
		m     *Message
		want  SendResult
	}{
		{0, message(1, nil), NoTopic},
		{99, message(1, nil), NoTopic},
		{other, message(1, nil), Unwanted},
		{topic, message(1, make([]byte, 1001)), TooLarge},
		{topic, &Message{Producer: Address{Node: 1, Index: 3}, Sequence: 1, Block: make([]byte, 3)}, TooLarge},
		{topic, message(1, make([]byte, 1000)), Sent},
		{topic, &Message{Producer: Address{Node: 9}, Sequence: 1}, NoProducers},
	} {
		if r := a.engine.Send(now, c.topic, c.m); r != c.want {
			t.Errorf("topic %d: %d, want %d", c.topic, r, c.want)
		}
	}
	a.engine.Close(now)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Closed {
		t.Errorf("after Close: %d, want %d", r, Closed)
	}
}

// pass sends one message and lets time go on until it was taken.
func pass(t testing.TB, now *Time, a, b *station, topic TopicID, m *Message) {
	t.Helper()
	for range 100000 {
		if r := a.engine.Send(*now, topic, m); r == Sent {
			break
		} else if r != Busy {
			t.Fatalf("send: %d", r)
		}
		run(now, 100*Microsecond, a, b)
	}
	a.engine.Flush(*now)
	run(now, 300*Microsecond, a, b)
}

// Messages of every size around the datagram's, and the largest, come through whole.
func TestSizes(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	var want []byte
	b.onDeliver = func(m *Message) {
		if !bytes.Equal(m.Payload, want) {
			t.Errorf("%d bytes came as %d others", len(want), len(m.Payload))
		}
	}
	seq := uint64(0)
	for _, n := range []int{0, 1, 7, 8, 1295, 1296, 1319, 1320, 1321, 1328, 1336, 1337, 2000, 5000, 1 << 20, MessageMax} {
		want = make([]byte, n)
		for i := range want {
			want[i] = byte(i * 7 >> 3)
		}
		seq++
		pass(t, &now, a, b, topic, message(seq, want))
		if b.delivered != int(seq) {
			t.Fatalf("%d bytes did not come", n)
		}
	}
}

// A full topic stops its own messages only, and for the stall budget at most.
func TestFullTopic(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	other, _ := a.engine.Topic("orders.us", TopicShape{})
	pass(t, &now, a, b, topic, message(1, []byte("x")))
	b.engine.SetTopicFull(b.lastPeer, b.lastTopic, true)
	run(&now, Millisecond, a, b)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Busy {
		t.Errorf("full topic: %d, want %d", r, Busy)
	}
	if r := a.engine.Send(now, other, message(1, nil)); r != Sent {
		t.Errorf("another topic: %d, want %d", r, Sent)
	}
	rooms := a.rooms
	b.engine.SetTopicFull(b.lastPeer, b.lastTopic, false)
	run(&now, Millisecond, a, b)
	if r := a.engine.Send(now, topic, message(2, nil)); r != Sent || a.rooms == rooms {
		t.Errorf("free topic: %d, want %d; %d calls of Room", r, Sent, a.rooms-rooms)
	}
	b.engine.SetTopicFull(b.lastPeer, b.lastTopic, true)
	run(&now, 400*Millisecond, a, b)
	if r := a.engine.Send(now, topic, message(3, nil)); r != Busy {
		t.Errorf("within the budget: %d, want %d", r, Busy)
	}
	run(&now, 200*Millisecond, a, b)
	if r := a.engine.Send(now, topic, message(3, nil)); r != Sent {
		t.Errorf("after the budget: %d, want %d", r, Sent)
	}
}

// A member that takes nothing more stalls the lane for its budget, is put out, is
// told exactly what it lost, and comes back.
func TestStoppedMember(t *testing.T) {
	now, a, b, topic := joined(t, func(c *Config) { c.Window, c.Rate, c.Timers.PeerTimeout = 64*1408, 20_000, 10*Second })
	payload := make([]byte, 1000)
	pass(t, &now, a, b, topic, message(1, payload))
	stopped := now
	seq := uint64(2)
	for now < stopped+Second {
		for a.engine.Send(now, topic, message(seq, payload)) == Sent {
			seq++
		}
		a.engine.Flush(now)
		run(&now, 100*Microsecond, a)
	}
	if n := a.engine.Counters().Untethered; n != 1 {
		t.Fatalf("put out %d members, want 1", n)
	}
	b.queue = b.queue[max(0, len(b.queue)-20):] // its socket kept the last ones
	run(&now, 300*Millisecond, a, b)
	if b.lost == 0 || uint64(b.delivered)+b.lost != seq-1 {
		t.Errorf("delivered %d + lost %d of %d", b.delivered, b.lost, seq-1)
	}
	run(&now, 2*Second, a, b)
	before := b.delivered
	pass(t, &now, a, b, topic, message(seq, payload))
	if b.delivered != before+1 || !a.engine.peers[0].members[LaneGated].tethered {
		t.Errorf("back: delivered %d, tethered %v", b.delivered-before, a.engine.peers[0].members[LaneGated].tethered)
	}
}

// Live topics wait for nobody: their window goes on over a member that stands still.
func TestLiveNeverWaits(t *testing.T) {
	now, a, b, _ := joined(t, func(c *Config) { c.LiveWindow = 64 * 1408; c.Timers.PeerTimeout = 10 * Second })
	live, _ := a.engine.Topic("orders.live", TopicShape{Live: true})
	pass(t, &now, a, b, live, message(1, make([]byte, 1000)))
	for seq := uint64(2); seq < 1000; seq++ {
		if r := a.engine.Send(now, live, message(seq, make([]byte, 1000))); r != Sent {
			t.Fatalf("message %d: %d, want %d", seq, r, Sent)
		}
		run(&now, 100*Microsecond, a)
	}
	a.engine.Flush(now)
	b.queue = b.queue[len(b.queue)-3:]
	run(&now, 100*Millisecond, a, b)
	if uint64(b.delivered)+b.lost != 999 || b.lost == 0 {
		t.Errorf("delivered %d + lost %d of 999", b.delivered, b.lost)
	}
}

// The end of a stream that is lost for good is told too, though nothing follows.
func TestLostTailIsTold(t *testing.T) {
	now, a, b, topic := joined(t, func(c *Config) { c.LiveWindow = 64 * 1408 })
	live, _ := a.engine.Topic("orders.live", TopicShape{Live: true})
	quiet, _ := a.engine.Topic("orders.quiet", TopicShape{Live: true})
	pass(t, &now, a, b, quiet, message(1, nil))
	pass(t, &now, a, b, topic, message(1, nil))
	a.hold = true // the next datagrams are lost, among them the last of quiet
	a.engine.Send(now, quiet, message(2, nil))
	for seq := uint64(1); seq < 200; seq++ {
		a.engine.Send(now, live, message(seq, make([]byte, 1200)))
		run(&now, 100*Microsecond, a)
	}
	a.engine.Flush(now)
	a.hold = false
	run(&now, 500*Millisecond, a, b)
	if total := uint64(b.delivered) + b.lost; total != 1+1+1+199 {
		t.Errorf("delivered %d + lost %d = %d, want 202", b.delivered, b.lost, total)
	}
}

// What a caller may have missed of a producer before its first message is told to
// those who were here, and to nobody who comes later.
func TestMissedBeforeTheFirst(t *testing.T) {
	for _, c := range []struct{ sequence, missed, lost uint64 }{{1, 500, 0}, {101, 0, 0}, {101, 30, 30}, {101, 500, 100}, {0, 500, 0}} {
		now, a, b, topic := joined(t, nil)
		m := message(c.sequence, nil)
		m.Missed = c.missed
		pass(t, &now, a, b, topic, m)
		m.Sequence++
		pass(t, &now, a, b, topic, m)
		if b.delivered != 2 || b.lost != c.lost {
			t.Errorf("first %d, %d missed: delivered %d, lost %d, want 2, %d", c.sequence, c.missed, b.delivered, b.lost, c.lost)
		}
		late := newStation(t, 3, 33, nil)
		late.others, a.others, b.others = []*station{a, b}, []*station{b, late}, []*station{a, late}
		_ = late.engine.SetWants(now, []string{">"})
		late.engine.Start(now)
		run(&now, 100*Millisecond, a, b, late)
		m.Sequence++
		pass(t, &now, a, b, topic, m)
		run(&now, 10*Millisecond, a, b, late)
		if late.delivered != 1 || late.lost != 0 {
			t.Errorf("first %d, %d missed: one who came later: delivered %d, lost %d", c.sequence, c.missed, late.delivered, late.lost)
		}
	}
}

// A list of wants larger than a datagram arrives whole.
func TestManyWants(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	var list []string
	for i := range 3000 {
		list = append(list, fmt.Sprintf("topic.number.%d.with.a.long.name", i))
	}
	if err := b.engine.SetWants(now, list); err != nil {
		t.Fatal(err)
	}
	run(&now, 100*Millisecond, a, b)
	if len(a.wants) != 3000 || a.engine.WantedBy("topic.number.2999.with.a.long.name") != 1 || a.engine.WantedBy("orders.eu") != 0 {
		t.Errorf("%d wants arrived", len(a.wants))
	}
	if err := b.engine.SetWants(now, []string{"bad..name"}); !errors.Is(err, ErrName) {
		t.Errorf("a bad pattern: %v, want %v", err, ErrName)
	}
}

// A table larger than a datagram reaches one who joins late.
func TestLateJoin(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	for i := range 300 {
		m := message(1, []byte("x"))
		m.Producer.Handle = uint16(i)
		pass(t, &now, a, b, topic, m)
	}
	c := newStation(t, 3, 33, nil)
	c.others, a.others, b.others = []*station{a, b}, []*station{b, c}, []*station{a, c}
	if err := c.engine.SetWants(now, []string{">"}); err != nil {
		t.Fatal(err)
	}
	c.engine.Start(now)
	run(&now, 100*Millisecond, a, b, c)
	for i := range 300 {
		m := message(2, []byte("y"))
		m.Producer.Handle = uint16(i)
		a.engine.Send(now, topic, m)
	}
	a.engine.Flush(now)
	run(&now, 100*Millisecond, a, b, c)
	if c.delivered != 300 || c.lost != 0 || b.delivered != 600 {
		t.Errorf("late: delivered %d, lost %d, want 300, 0; early: %d, want 600", c.delivered, c.lost, b.delivered)
	}
}

// What is dropped from the wants and taken up again starts anew, without a loss.
func TestWantAgain(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	other := newStation(t, 3, 33, nil) // keeps the topic wanted
	other.others, a.others, b.others = []*station{a, b}, []*station{b, other}, []*station{a, other}
	_ = other.engine.SetWants(now, []string{">"})
	other.engine.Start(now)
	run(&now, 100*Millisecond, a, b, other)
	for seq := uint64(1); seq <= 30; seq++ {
		if seq == 11 {
			_ = b.engine.SetWants(now, nil)
			run(&now, 10*Millisecond, a, b, other)
		}
		if seq == 21 {
			_ = b.engine.SetWants(now, []string{"orders.eu"})
			run(&now, 10*Millisecond, a, b, other)
		}
		a.engine.Send(now, topic, message(seq, nil))
		a.engine.Flush(now)
		run(&now, Millisecond, a, b, other)
	}
	if b.delivered != 20 || b.lost != 0 || other.delivered != 30 {
		t.Errorf("delivered %d, lost %d, want 20, 0; the other %d, want 30", b.delivered, b.lost, other.delivered)
	}
}

// An old session is refused, and told which one was seen.
func TestStaleSession(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	old := newStation(t, 1, 5, nil)
	old.address = a.address
	old.others = []*station{b}
	b.others = []*station{old}
	old.engine.Start(now)
	run(&now, 300*Millisecond, old, b)
	if old.stale != 11 || b.engine.Counters().OldSession == 0 || b.ups != 1 {
		t.Errorf("stale %d, want 11; refused %d", old.stale, b.engine.Counters().OldSession)
	}
}

// BYE ends a peer at once; silence ends it after two seconds.
func TestPeerDown(t *testing.T) {
	now, a, b, _ := joined(t, nil)
	a.engine.Close(now)
	run(&now, Millisecond, a, b)
	if len(b.downs) != 1 || b.downs[0] != DownBye {
		t.Errorf("downs %v, want %v", b.downs, DownBye)
	}
	now, a, b, _ = joined(t, nil)
	run(&now, 1900*Millisecond, b)
	if len(b.downs) != 0 {
		t.Errorf("down after 1.9 s: %v", b.downs)
	}
	run(&now, 300*Millisecond, b)
	if len(b.downs) != 1 || b.downs[0] != DownTimeout {
		t.Errorf("downs %v, want %v", b.downs, DownTimeout)
	}
	_ = a
}

// A process that was stopped does not take others for dead.
func TestOwnPauseIsNobodysDeath(t *testing.T) {
	now, _, b, _ := joined(t, nil)
	now += 5 * Second
	b.engine.Tick(now)
	if len(b.downs) != 0 {
		t.Errorf("down after an own pause: %v", b.downs)
	}
}

// Malformed datagrams cost a counter, whatever is in them.
func TestGarbage(t *testing.T) {
	now, a, b, topic := joined(t, nil)
	frames, _ := record(t, now, a, topic, make([]byte, 100), 200)
	r := rand.New(rand.NewPCG(5, 5))
	for range 20000 {
		f := append([]byte(nil), frames[r.IntN(len(frames))]...)
		for range 1 + r.IntN(4) {
			f[r.IntN(len(f))] = byte(r.Uint32())
		}
		if r.IntN(3) == 0 {
			f = f[:r.IntN(len(f)+1)]
		}
		b.engine.Receive(now, f, a.address, true)
		now += Microsecond
		b.engine.Tick(now)
	}
	var refused uint64
	for _, n := range b.engine.Counters().Refused {
		refused += n
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
}

func FuzzReceive(f *testing.F) {
	now, a, _, topic := joined(f, nil)
	frames, _ := record(f, now, a, topic, make([]byte, 100), 30)
	for _, x := range frames {
		f.Add(x[wire.HeaderSize:], uint8(1), uint8(0))
	}
	f.Fuzz(func(t *testing.T, body []byte, typ, flags uint8) {
		if len(body) > 9000 {
			return
		}
		now, a, b, topic := joined(t, nil)
		h := wire.Header{Type: typ, Flags: flags, Domain: 7, Node: 1, Session: 11, Number: 1}
		x := append(wire.Begin(nil, &h), body...)
		wire.Finish(x)
		b.engine.Receive(now, x, a.address, true)
		b.engine.Receive(now, x, a.address, false)
		run(&now, 3*Millisecond, b)
		_ = topic
	})
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a.b", "a.b", true}, {"a.b", "a.c", false}, {"a.*", "a.b", true}, {"a.*", "a.b.c", false}, {"*.b", "a.b", true},
		{"a.>", "a.b.c", true}, {"a.>", "a", false}, {">", "a", true}, {"*", "a", true}, {"*", "a.b", false},
		{">", "$sys.x", false}, {"$sys.>", "$sys.x", true}, {"a.*.c", "a.b.c", true}, {"a.b.c", "a.b", false},
	} {
		if got := Match(c.pattern, c.name); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
	for name, ok := range map[string]bool{"a": true, "a.b-c_D9": true, "$a.b": true, "": false, ".": false, "a.": false, "a..b": false, "a.$b": false, "*": false, "a b": false} {
		if (ValidName(name) == nil) != ok {
			t.Errorf("ValidName(%q) = %v", name, ValidName(name))
		}
	}
}
