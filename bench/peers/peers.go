// Package peers lists the systems that are measured beside Ringcast on one node, what each
// can and cannot do, and how its program is run. The programs lie in the folders below, each in
// its own language, with the configuration that we know to be best and the reasons for it;
// make peer-NAME builds one into bin/peers from package registries.
package peers

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/ringcast/ringcast/bench"
)

// A Peer is another system. It is plain data.
type Peer struct {
	Name  string // of flags, of the make target and of the program: bin/peers/NAME-node
	Title string // of tables
	// Between is its name among the contenders of bench/nodes, empty if it is not there.
	Between string
	// Lossy is its name there where frames are lost, if another configuration suits that better.
	Lossy string
	// elsewhere: it has no part on one node, and why.
	elsewhere string
	// cannot says what it has nothing like, and why.
	cannot func(s bench.Spec) string
	// InGo: its program is in Go; the others are in C, C++ or Rust.
	InGo bool
	more []string // flags of its own
	// suited is the work with the settings that suit the peer better than ours, where there are such.
	suited func(s bench.Spec) bench.Spec
}

// All lists them in the order of tables.
var All = []Peer{
	{Name: "aeron", Title: "Aeron C", Between: "Aeron", Lossy: "Aeron 100us", cannot: noRequests("Aeron has no requests"), more: []string{"--exclusive", "1"}},
	{Name: "iceoryx2", Title: "iceoryx2", suited: fewer},
	{Name: "zeromq", Title: "ZeroMQ", Between: "ZeroMQ, TCP"},
	{Name: "nats", Title: "NATS", Between: "NATS, TCP", InGo: true, cannot: atMost(8<<20, "NATS takes messages up to 8 MB")},
	{Name: "zenoh", Title: "Zenoh", Between: "Zenoh, TCP"},
	{Name: "cyclonedds", Title: "CycloneDDS", Between: "CycloneDDS", cannot: noRequests("CycloneDDS in C has no requests")},
	{Name: "unix", Title: "unix socket"},
	{Name: "norm", Title: "NORM", Between: "NORM", elsewhere: "NORM is for networks"},
	{Name: "grpc", Title: "gRPC", InGo: true, cannot: onlyRequests},
}

// fewer is with no deeper buffers than a ring of some 4 MiB has, and the standard ones where several write: iceoryx2 is faster with them there, 6.3 M messages a second
// of 1,024 bytes in place of 5.1 and 4.8 of 2,048 in place of 4.4 (medians of 15 to 17 runs by turns, near), and no slower where one does.
func fewer(s bench.Spec) bench.Spec {
	if s.Producers > 1 {
		s.Slots = min(s.Slots, 1024)
	}
	if s.Size <= 4096 && s.Size > 0 {
		s.Slots = min(s.Slots, max(bench.DeepSlots(s.Size), 1024))
	}
	return s
}

func noRequests(why string) func(bench.Spec) string {
	return func(s bench.Spec) string {
		if s.Scenario == bench.Request {
			return why
		}
		return ""
	}
}

func atMost(size int, why string) func(bench.Spec) string {
	return func(s bench.Spec) string {
		if s.Size > size {
			return why
		}
		return ""
	}
}

func onlyRequests(s bench.Spec) string {
	if s.Scenario == bench.Stream {
		return "gRPC has calls and no topics"
	}
	return ""
}

// Find is the peer of that name.
func Find(name string) (Peer, error) {
	for _, p := range All {
		if p.Name == name {
			return p, nil
		}
	}
	return Peer{}, fmt.Errorf("peer %q: want one of %v", name, Names())
}

// Names are those of all peers.
func Names() (list []string) {
	for _, p := range All {
		list = append(list, p.Name)
	}
	return list
}

// scenarios are those that a peer's program knows.
var scenarios = []bench.Scenario{bench.Stream, bench.PingPong, bench.Request, bench.Idle}

// Cannot says why the peer has nothing like a work, or nothing.
func (p Peer) Cannot(s bench.Spec) string {
	switch {
	case p.elsewhere != "":
		return p.elsewhere
	case !slices.Contains(scenarios, s.Scenario):
		return fmt.Sprintf("%s is not measured at %s: only at %v", p.Title, s.Scenario, scenarios)
	case s.Size%8 != 0:
		return fmt.Sprintf("%s is measured at sizes that are a multiple of 8", p.Title)
	case p.cannot != nil:
		return p.cannot(s)
	}
	return ""
}

// OnNode reports whether it has a part on one node.
func (p Peer) OnNode() bool { return p.elsewhere == "" }

// Contends is its name among the contenders of bench/nodes at a loss of so many per cent, empty if it is not there.
func (p Peer) Contends(loss float64) string {
	if loss > 0 && p.Lossy != "" {
		return p.Lossy
	}
	return p.Between
}

// program is the peer's below a folder.
func (p Peer) program(dir string) string { return filepath.Join(dir, p.Name+"-node") }

// Missing says why the peer is not here, or nothing.
func (p Peer) Missing(dir string) string {
	if p.elsewhere != "" {
		return ""
	}
	if _, err := os.Stat(p.program(dir)); err != nil {
		return fmt.Sprintf("%s is not built here: make peer-%s", p.Title, p.Name)
	}
	return ""
}

// Contender is the peer at a work; watched also says what its processes take.
func (p Peer) Contender(s bench.Spec, dir string, watched bool) bench.Contender {
	return p.asProgram(s, dir, watched).Contender()
}

// Touching is the peer at a work, of whose messages only the first so many bytes, 16 or more, are written and read.
func (p Peer) Touching(bytes int, s bench.Spec, dir string) bench.Contender {
	program := p.asProgram(s, dir, false)
	program.More = append(slices.Clip(program.More), "--touched", strconv.Itoa(bytes))
	return program.Contender()
}

func (p Peer) asProgram(s bench.Spec, dir string, watched bool) bench.Program {
	if c, err := s.Complete(); err == nil {
		s = c
	}
	if p.suited != nil {
		s = p.suited(s)
	}
	return bench.Program{Name: p.Name, Command: []string{p.program(dir)}, Spec: s, Scratch: "/dev/shm", More: p.more, Watched: watched}
}
