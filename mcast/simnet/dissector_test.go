package simnet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/wire"
)

const dissector = "../../spec/wireshark/ringcast.lua"

// pcapOf makes a capture of frames, each a UDP datagram over IPv4.
func pcapOf(frames [][]byte) []byte {
	le, be := binary.LittleEndian, binary.BigEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = le.AppendUint32(le.AppendUint32(b, 65535), 101) // raw IP
	for i, f := range frames {
		n := uint32(28 + len(f))
		b = le.AppendUint32(le.AppendUint32(b, uint32(i)), 0)
		b = le.AppendUint32(le.AppendUint32(b, n), n)
		b = append(b, 0x45, 0)
		b = be.AppendUint16(b, uint16(n))
		b = append(b, 0, 0, 0, 0, 1, 17, 0, 0, 10, 0, 0, 1, 239, 0, 0, 1)
		b = be.AppendUint16(be.AppendUint16(b, 7001), 7000)
		b = be.AppendUint16(be.AppendUint16(b, uint16(8+len(f))), 0)
		b = append(b, f...)
	}
	return b
}

// recorded returns frames of every type that engines have sent to each other.
func recorded(t *testing.T) [][]byte {
	t.Helper()
	o := Options{Seed: 3, Nodes: 3, Loss: 0.1, Messages: 60, SizeMax: 900, Text: true, Topics: 2, Jitter: 50 * us}
	o.Config.Compression = mcast.CompressAlways
	o.Config.Window, o.Config.MTULarge = 64*mcast.MTUDefault, 3000
	n := New(o)
	var frames [][]byte
	seen := map[uint8]int{}
	keep := func(b []byte) {
		if kind := wire.TypeOf(b); seen[kind] < 40 {
			seen[kind]++
			frames = append(frames, b)
		}
	}
	n.OnData = func(_ *Node, b []byte) { keep(b) }
	n.RunUntil(5*mcast.Second, n.AllJoined)
	for _, x := range n.Nodes {
		x.Publish()
	}
	n.RunUntil(10*mcast.Second, n.AllTaken)
	// What ends a run, and what is rare: a clock set back gets SESSION_STALE, and a hole below the trail Ncf.
	x := n.Nodes[2]
	x.die()
	x.session -= 2
	x.Start()
	n.Run(300*ms, nil)
	n.Nodes[1].engine.Close(n.Nodes[1].clock())
	n.Run(100*ms, nil)
	ncf := wire.Ncf{Session: 5, First: 6, Last: 7, Trail: 8, Lane: 1, WaitMillis: 9, Reason: 2}
	h := wire.Header{Type: wire.TypeNcf, Domain: 0xd0, Node: 3, Session: 4, Number: 5}
	b := ncf.AppendTo(wire.Begin(nil, &h))
	wire.Finish(b)
	keep(b)
	ask := wire.UnicastAck{Session: 5, Stream: 6, Next: 7, Mask: 8, Back: 9, WantVersion: 10, Window: 11, Name: []byte("orders.*")}
	chunk := wire.UnicastData{Session: 5, Stream: 6, Chunk: 7, Bytes: []byte("any bytes")}
	echo := wire.Probe{Session: 5, Number: 6, Bytes: 700, Echo: true, Group: true}
	for kind, body := range map[uint8]func(b []byte) []byte{wire.TypeUnicastAck: ask.AppendTo, wire.TypeUnicastData: chunk.AppendTo, wire.TypeProbe: echo.AppendTo} {
		h.Type = kind
		b := body(wire.Begin(nil, &h))
		wire.Finish(b)
		keep(b)
	}
	for kind := wire.TypeData; kind <= wire.TypeProbe; kind++ {
		if seen[uint8(kind)] == 0 && kind != 7 {
			t.Errorf("no frame of type %d was sent", kind)
		}
	}
	return frames
}

// dissect returns, for each frame, the values of fields as tshark shows them.
func dissect(t *testing.T, frames [][]byte, fields []string) [][]string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Fatal("missing here: tshark, of the package tshark")
	}
	capture := filepath.Join(t.TempDir(), "frames.pcap")
	if err := os.WriteFile(capture, pcapOf(frames), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-n", "-X", "lua_script:" + dissector, "-r", capture, "-T", "fields", "-E", "separator=;", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var out, complaints bytes.Buffer
	cmd := exec.Command("tshark", args...)
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil || strings.Contains(complaints.String(), "Lua") {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != len(frames) {
		t.Fatalf("%d lines for %d frames\n%s", len(lines), len(frames), complaints.String())
	}
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, strings.Split(l, ";"))
	}
	return rows
}

// headOf is the struct that follows the header, by type.
var headOf = map[uint8]string{wire.TypeData: "DataHead", wire.TypeHeartbeat: "HeartbeatHead", wire.TypeNak: "NakHead", wire.TypeNcf: "NcfHead",
	wire.TypeStatus: "StatusHead", wire.TypeHello: "HelloHead", wire.TypeSetup: "SetupHead", wire.TypeWant: "WantHead", wire.TypeBye: "ByeHead",
	wire.TypeSessionStale: "SessionStaleHead", wire.TypeUnicastData: "UnicastDataHead", wire.TypeUnicastAck: "UnicastAckHead",
	wire.TypeProbe: "ProbeHead"}

type luaField struct {
	at, size int
	name     string
}

// luaStructs reads the tables of the dissector.
func luaStructs(t *testing.T) map[string][]luaField {
	t.Helper()
	b, err := os.ReadFile(dissector)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]luaField{}
	for _, s := range regexp.MustCompile(`(?s)    (\w+) = \{\n(.*?)\n    \},`).FindAllStringSubmatch(string(b), -1) {
		for _, f := range regexp.MustCompile(`\{ (\d+), (\d+), "(\w+)" \}`).FindAllStringSubmatch(s[2], -1) {
			x := luaField{name: f[3]}
			fmt.Sscan(f[1], &x.at)
			fmt.Sscan(f[2], &x.size)
			all[s[1]] = append(all[s[1]], x)
		}
	}
	return all
}

// The dissector has the offsets and sizes of spec/layout.md.
func TestDissectorLayout(t *testing.T) {
	b, err := os.ReadFile("../../spec/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	structs := luaStructs(t)
	if len(structs) < 20 {
		t.Fatalf("%d structs in the dissector", len(structs))
	}
	for name, fields := range structs {
		section := regexp.MustCompile(`(?s)### ` + name + `\n(.*?)\n##`).FindSubmatch(b)
		if section == nil {
			t.Errorf("no struct %s in the layout", name)
			continue
		}
		for _, f := range fields {
			if !bytes.Contains(section[1], fmt.Appendf(nil, "\n| %d | %d | %s |", f.at, f.size, f.name)) {
				t.Errorf("%s.%s is not at %d, %d bytes", name, f.name, f.at, f.size)
			}
		}
	}
}

// tshark shows every field of the head of every frame as it was sent, and none as malformed.
func TestDissector(t *testing.T) {
	frames, structs := recorded(t), luaStructs(t)
	fields := []string{"ringcast.malformed"}
	at := map[string]int{}
	for _, name := range append([]string{"FrameHeader"}, heads()...) {
		at[name] = len(fields)
		for _, f := range structs[name] {
			fields = append(fields, "ringcast."+name+"."+f.name)
		}
	}
	for i, row := range dissect(t, frames, fields) {
		b := frames[i]
		if row[0] != "" {
			t.Errorf("frame %d, type %d: %s", i, wire.TypeOf(b), row[0])
		}
		compare(t, row[at["FrameHeader"]:], b, structs["FrameHeader"])
		head := headOf[wire.TypeOf(b)]
		compare(t, row[at[head]:], b[wire.HeaderSize:], structs[head])
	}
}

func heads() (names []string) {
	for kind := range uint8(16) {
		if headOf[kind] != "" {
			names = append(names, headOf[kind])
		}
	}
	return names
}

func compare(t *testing.T, got []string, b []byte, fields []luaField) {
	t.Helper()
	for i, f := range fields {
		var v [8]byte
		copy(v[:], b[f.at:f.at+f.size])
		if want := fmt.Sprint(binary.LittleEndian.Uint64(v[:])); got[i] != want {
			t.Errorf("type %d: %s is shown as %q, was sent as %s", b[4], f.name, got[i], want)
		}
	}
}

// Lanes have names, and those to one member the member; flags have theirs.
func TestDissectorNames(t *testing.T) {
	const member = 7
	h := wire.Header{Type: wire.TypeHeartbeat, Flags: wire.FlagUnicast | wire.FlagStatusWanted, Domain: 0xd0, Node: 3, Session: 4, Number: 5}
	directed := wire.Heartbeat{Next: 5, Trail: 5, Lane: wire.DirectedLane(member)}
	hello := wire.Hello{Features: wire.FeatureDirected, VersionMin: 1, VersionMax: 1}
	var frames [][]byte
	add := func(kind, flags uint8, body func([]byte) []byte) {
		h.Type, h.Flags = kind, flags
		b := body(wire.Begin(nil, &h))
		wire.Finish(b)
		frames = append(frames, b)
	}
	add(wire.TypeHeartbeat, wire.FlagUnicast|wire.FlagStatusWanted, directed.AppendTo)
	for lane := range uint32(2) {
		x := wire.Heartbeat{Next: 5, Trail: 5, Lane: lane}
		add(wire.TypeHeartbeat, 0, x.AppendTo)
	}
	add(wire.TypeHello, 0, hello.AppendTo)
	fields := []string{"ringcast.malformed", "ringcast.lane", "ringcast.member", "ringcast.FrameHeader.flags.Unicast", "ringcast.FrameHeader.flags.StatusWanted",
		"ringcast.FrameHeader.flags.Lz4", "ringcast.HelloHead.features.Directed", "_ws.col.Info"}
	want := [][]string{
		{"", "2", "7", "1", "1", "0", "", "Heartbeat, node 3, packet 5, to node 7 alone"},
		{"", "0", "", "0", "0", "0", "", "Heartbeat, node 3, packet 5"},
		{"", "1", "", "0", "0", "0", "", "Heartbeat, node 3, packet 5"},
		{"", "", "", "0", "0", "0", "1", "Hello, node 3, packet 5"},
	}
	for i, row := range dissect(t, frames, fields) {
		if !slices.Equal(row, want[i]) {
			t.Errorf("frame %d is shown as %q, want %q", i, row, want[i])
		}
	}
}

// The flags that the dissector names are those of spec/layout.md.
func TestDissectorFlags(t *testing.T) {
	script, err := os.ReadFile(dissector)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../spec/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	enums := regexp.MustCompile(`(?m)^    (\w+) = (\{ \{ \d+, "\w+" \}.*\}),$`).FindAllStringSubmatch(string(script), -1)
	if len(enums) < 5 {
		t.Fatalf("%d enums in the dissector", len(enums))
	}
	for _, enum := range enums {
		section := regexp.MustCompile(`(?s)### ` + enum[1] + `\n(.*?)\n##`).FindSubmatch(text)
		if section == nil {
			t.Errorf("no enum %s in the layout", enum[1])
			continue
		}
		listed := regexp.MustCompile(`\n\| (\d+) \| (\w+) \|`).FindAllStringSubmatch(string(section[1]), -1)
		named := regexp.MustCompile(`\{ (\d+), "(\w+)" \}`).FindAllStringSubmatch(enum[2], -1)
		if !slices.EqualFunc(listed, named, func(a, b []string) bool { return a[1] == b[1] && a[2] == b[2] }) {
			t.Errorf("%s: the dissector has %q, the layout %q", enum[1], named, listed)
		}
	}
}

// What a receiver refuses by its form is shown as malformed: cut short, too long, and
// with counts that do not fit.
func TestDissectorMalformed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var bad [][]byte
	seen := map[uint8]bool{}
	for _, f := range recorded(t) {
		if kind := wire.TypeOf(f); !seen[kind] && wire.FlagsOf(f)&wire.FlagLz4 == 0 {
			seen[kind] = true
			short := append([]byte(nil), f[:wire.HeaderSize+r.IntN(7)]...)
			wire.Finish(short)
			wrong := append([]byte(nil), f...)
			wrong[6]++ // the length
			bad = append(bad, short, wrong, f[:len(f)-1])
		}
	}
	for i, row := range dissect(t, bad, []string{"ringcast.malformed", "ringcast.refused"}) {
		if row[0] == "" || row[1] == "" {
			t.Errorf("frame %d, type %d: not shown as malformed (%q)", i, bad[i][4], row)
		}
	}
}
