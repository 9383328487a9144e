package mcast

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

var update = flag.Bool("update", false, "rewrite the expected traces of testdata")

// script is one engine (node 2, session 22) and what a file says to it in the
// name of node 1. Everything the engine does is a line of the trace.
type script struct {
	t      *testing.T
	engine *Engine
	now    Time
	trace  []string
	hidden map[string]bool
	number uint64
	peer   uint64 // session of node 1
	window int
	from   netip.AddrPort
}

const scriptStart = Second

// TestScripts runs testdata/*/*.txt: commands, a line ----, the expected trace, an
// empty line, and so on. -update rewrites the traces.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScript(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s gives\n%s\nwant\n%s", file, got, text)
			}
		})
	}
}

// runScript returns the script with the traces that it really gives.
func runScript(t *testing.T, text string) string {
	s := &script{t: t, now: scriptStart, hidden: map[string]bool{}, peer: 11, window: 100,
		from: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, 1}), 7000)}
	c := Config{Node: 2, Session: 22, DomainHash: 7, Window: 64 * MTUDefault}
	e, err := New(&c, s, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	s.engine = e
	var out strings.Builder
	for _, block := range strings.Split(strings.TrimRight(text, "\n"), "\n\n") {
		commands, _, _ := strings.Cut(block+"\n", "----\n")
		s.trace = nil
		for _, line := range strings.Split(strings.TrimSpace(commands), "\n") {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				s.command(line)
			}
		}
		out.WriteString(strings.TrimSpace(commands) + "\n----\n")
		for _, x := range s.trace {
			out.WriteString(x + "\n")
		}
		out.WriteString("\n")
	}
	return strings.TrimRight(out.String(), "\n") + "\n"
}

// arguments of a command: name=number, and words.
type arguments struct {
	numbers map[string]uint64
	words   []string
}

func (a arguments) get(name string, otherwise uint64) uint64 {
	if v, ok := a.numbers[name]; ok {
		return v
	}
	return otherwise
}

func parseArguments(t *testing.T, fields []string) arguments {
	a := arguments{numbers: map[string]uint64{}}
	for _, f := range fields {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			a.words = append(a.words, f)
			continue
		}
		n, err := strconv.ParseUint(value, 10, 64)
		if err != nil {
			t.Fatalf("argument %q: %v", f, err)
		}
		a.numbers[name] = n
	}
	return a
}

func (s *script) command(line string) {
	fields := strings.Fields(line)
	a := parseArguments(s.t, fields[1:])
	e := s.engine
	switch fields[0] {
	case "hide":
		for _, w := range a.words {
			s.hidden[w] = true
		}
	case "start":
		e.Start(s.now)
	case "wants":
		if err := e.SetWants(s.now, a.words); err != nil {
			s.say("error", "%v", err)
		}
	case "topic":
		id, err := e.Topic(a.words[0], TopicShape{})
		s.say("topic", "%d %v", id, err)
	case "send":
		s.send(a)
	case "advance":
		d, err := time.ParseDuration(a.words[0])
		if err != nil {
			s.t.Fatal(err)
		}
		s.advance(Duration(d))
		return
	case "local-loss":
		e.LocalLoss(s.now, 1)
	case "session":
		s.peer = a.get("is", 0)
	default:
		s.frame(fields[0], a)
	}
	e.Tick(s.now)
}

// send sends messages until one is refused.
func (s *script) send(a arguments) {
	seq := a.get("seq", 1)
	result := Sent
	for range a.get("count", 1) {
		m := Message{Producer: Address{Node: 2, Index: 1}, Sequence: seq, Payload: make([]byte, a.get("size", 1200))}
		if result = s.engine.Send(s.now, 1, &m); result != Sent {
			break
		}
		seq++
	}
	s.engine.Flush(s.now)
	s.say("send", "sent up to %d%s", seq-1, []string{"", ", then busy", ", then unwanted"}[result])
}

// advance lets time pass from timer to timer.
func (s *script) advance(d Duration) {
	end := s.now + d
	for s.engine.NextTimer() <= end {
		s.now = max(s.now, s.engine.NextTimer())
		s.engine.Tick(s.now)
	}
	s.now = end
	s.engine.Tick(s.now)
}

// frame receives a frame of node 1.
func (s *script) frame(name string, a arguments) {
	typ, body := s.body(name, a)
	s.number++
	h := wire.Header{Type: typ, Domain: 7, Node: 1, Session: s.peer, Number: s.number, Flags: uint8(a.get("flags", 0))}
	b := append(wire.Begin(nil, &h), body[wire.HeaderSize:]...)
	wire.Finish(b)
	before := s.engine.Counters().Refused
	s.engine.Receive(s.now, b, s.from, true)
	for r, n := range s.engine.Counters().Refused {
		if n != before[r] {
			s.say("refused", "%v", wire.Reason(r))
		}
	}
}

func (s *script) body(name string, a arguments) (uint8, []byte) {
	b := make([]byte, wire.HeaderSize)
	seq := a.get("seq", 0)
	switch name {
	case "hello":
		h := wire.Hello{Epoch: 1, VersionMin: 1, VersionMax: 1, Members: uint16(a.get("members", 2)), RoundTripMicros: 200, Flags: uint16(a.get("hello", 0))}
		return wire.TypeHello, h.AppendTo(b)
	case "setup":
		w := wire.Setup{Snapshot: uint32(a.get("snapshot", 1)), Parts: 1}
		b = w.AppendTo(b)
		b = wire.AppendLane(b, &wire.LaneRow{Next: a.get("next", 0), Trail: a.get("trail", 0), Window: uint32(s.window), Class: layout.LaneClassGated})
		if last, ok := a.numbers["last"]; ok {
			b = wire.AppendTopic(b, &wire.TopicRow{Topic: 1, Name: []byte("t")})
			b = wire.AppendProducer(b, &wire.ProducerRow{Node: 1, First: 1, Last: last, Topic: 1, Producer: 1})
		}
		return wire.TypeSetup, b
	case "rows": // the datagram that names topic 1 and producer 1
		p := a.get("p", 1)
		row := wire.ProducerRow{Node: 1, Index: uint16(p), First: a.get("first", 1), Last: a.get("first", 1) - 1, FirstLane: seq, Topic: 1, Producer: uint16(p)}
		payload := wire.AppendTable(nil, &wire.TopicRow{Topic: 1, Name: []byte("t")}, &row)
		return wire.TypeData, s.data(b, a, &wire.Message{Flags: 3, Payload: payload})
	case "recv": // a datagram with the message of sequence m, by default that of the lane
		return wire.TypeData, s.data(b, a, &wire.Message{Topic: 1, Producer: uint16(a.get("p", 1)), Sequence: uint32(a.get("m", seq)), Flags: 3, Payload: []byte("x")})
	case "part": // a fragment: flags 1 begin, 2 end
		return wire.TypeData, s.data(b, a, &wire.Message{Topic: 1, Producer: uint16(a.get("p", 1)), Sequence: uint32(a.get("m", 1)), Flags: uint8(a.get("is", 0)) | 4*uint8(a.get("is", 0)&1),
			TotalLength: uint32(8 * a.get("parts", 3)), Payload: []byte("fragment")})
	case "hb":
		h := wire.Heartbeat{Next: a.get("next", 0), Trail: a.get("trail", 0), RoundTripMicros: 200, Members: uint16(a.get("members", 2))}
		return wire.TypeHeartbeat, h.AppendTo(b)
	case "ncf":
		n := wire.Ncf{Session: 22, First: a.get("first", 0), Last: a.get("last", 0), Trail: a.get("trail", 0), Reason: uint8(a.get("reason", 2))}
		return wire.TypeNcf, n.AppendTo(b)
	case "want":
		w := wire.Want{Version: uint32(a.get("version", 1)), Parts: 1}
		b = w.AppendTo(b)
		for _, n := range a.words {
			b = wire.AppendName(b, n)
		}
		return wire.TypeWant, b
	case "status":
		w := wire.Status{Session: a.get("to", 22), Taken: a.get("taken", 0), Highest: a.get("highest", a.get("taken", 0)), Credit: uint32(a.get("credit", 1000)),
			HoldMicros: wire.NoEcho, DelayMicros: wire.NoEcho, WantVersion: uint32(a.get("version", 1))}
		b = w.AppendTo(b)
		if full, ok := a.numbers["full"]; ok {
			b = wire.AppendFullTopic(b, uint32(full), 0)
		}
		return wire.TypeStatus, b
	case "nak":
		n := wire.Nak{Session: 22, Base: a.get("base", 0), HighestDelta: uint32(a.get("highest", 0) - a.get("base", 0))}
		b = n.AppendTo(b)
		return wire.TypeNak, wire.AppendNakRange(b, 0, uint16(a.get("count", 1)))
	case "bye":
		y := wire.Bye{Reason: 1}
		return wire.TypeBye, y.AppendTo(b)
	}
	s.t.Fatalf("unknown command %q", name)
	return 0, nil
}

func (s *script) data(b []byte, a arguments, m *wire.Message) []byte {
	raw := make([]byte, m.Size())
	m.Put(raw)
	seq := a.get("seq", 0)
	d := wire.Data{Count: 1, RawLength: uint16(len(raw)), LaneSequence: seq, TrailDelta: uint32(seq - a.get("trail", 0)), Body: raw}
	return d.AppendTo(b)
}

// say adds a line to the trace, with the time since the start.
func (s *script) say(what, format string, args ...any) {
	if !s.hidden[what] {
		s.trace = append(s.trace, strings.TrimSpace(fmt.Sprintf("%7.3fms %s %s", float64(s.now-scriptStart)/1e6, what, fmt.Sprintf(format, args...))))
	}
}

func (s *script) Multicast(datagrams [][]byte) {
	for _, d := range datagrams {
		s.sent(d)
	}
}
func (s *script) Unicast(_ netip.AddrPort, d []byte) { s.sent(d) }

// sent says what a frame of the engine's is.
func (s *script) sent(b []byte) {
	body := b[wire.HeaderSize:]
	switch wire.TypeOf(b) {
	case wire.TypeData:
		var d wire.Data
		wire.ParseData(body, wire.FlagsOf(b), &d)
		what := "data"
		if wire.FlagsOf(b)&wire.FlagRepair != 0 {
			what = "repair"
		}
		s.say(what, "%d trail %d", d.LaneSequence, d.LaneSequence-uint64(d.TrailDelta))
	case wire.TypeNak:
		var n wire.Nak
		wire.ParseNak(body, &n)
		var ranges []string
		for i := range n.Ranges() {
			first, count := n.Range(i)
			ranges = append(ranges, fmt.Sprintf("[%d,%d]", first, first+uint64(count)-1))
		}
		s.say("nak", "%s", strings.Join(ranges, " "))
	case wire.TypeHeartbeat:
		var h wire.Heartbeat
		wire.ParseHeartbeat(body, &h)
		s.say("hb", "next %d trail %d", h.Next, h.Trail)
	case wire.TypeStatus:
		var w wire.Status
		wire.ParseStatus(body, &w)
		s.say("sm", "taken %d highest %d%s", w.Taken, w.Highest, map[bool]string{true: " setup wanted"}[w.Flags&layout.StatusFlagSetupWanted != 0])
	case wire.TypeNcf:
		var n wire.Ncf
		wire.ParseNcf(body, &n)
		s.say("ncf", "[%d,%d] reason %d", n.First, n.Last, n.Reason)
	case wire.TypeSessionStale:
		var w wire.SessionStale
		wire.ParseSessionStale(body, &w)
		s.say("stale", "seen %d", w.Seen)
	default:
		names := map[uint8]string{wire.TypeHello: "hello", wire.TypeSetup: "setup", wire.TypeWant: "want", wire.TypeBye: "bye"}
		s.say(names[wire.TypeOf(b)], "")
	}
}

func (s *script) Deliver(_ *Peer, _ *RemoteTopic, m *Message) {
	s.say("deliver", "%d%s", m.Sequence, producerNamed(m.Producer))
}
func (s *script) Lost(_ *Peer, _ *RemoteTopic, a Address, first, last uint64, r LossReason) {
	s.say("lost", "[%d,%d] %v%s", first, last, r, producerNamed(a))
}

// producerNamed names a producer other than the first.
func producerNamed(a Address) string {
	if a.Index <= 1 {
		return ""
	}
	return fmt.Sprintf(" of producer %d", a.Index)
}
func (s *script) PeerUp(p *Peer)                 { s.say("up", "%d session %d", p.Node(), p.Session()) }
func (s *script) PeerDown(p *Peer, r DownReason) { s.say("down", "%d %v", p.Node(), r) }
func (s *script) Wants(_ *Peer, w []string) {
	slices.Sort(w)
	s.say("wanted", "%s", strings.Join(w, " "))
}
func (s *script) Notice(p *Peer, lane uint32, what Notice) {
	s.say("notice", "%v, lane %d of %d", what, lane, p.Node())
}
func (s *script) Room()                                { s.say("room", "") }
func (s *script) Stale(seen uint64)                    { s.say("overtaken", "%d", seen) }
func (s *script) DuplicateNode(netip.AddrPort, uint64) { s.say("duplicate-node", "") }
