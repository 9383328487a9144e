package nodes

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// A contender is one way to bring messages from a sender to receivers on other nodes.
type contender struct {
	name string
	// program is the sender's and the receivers'.
	program []string
	// daemon is what runs on a node besides, if anything; environment is its settings.
	daemon      func(n *netlab.Node, sends bool) []string
	environment func(n *netlab.Node) []string
	// lossy promises nothing, so that what is missing is no fault.
	lossy bool
	// most is the largest message in bytes, 0 for any.
	most int
	// settles is how long a daemon needs from its start until it does what it goes on doing, where requests are measured.
	settles time.Duration
	// more are flags of those who ask and answer.
	more []string
	// needs are the files without which it is not here.
	needs []string
}

// Names of the contenders.
const (
	ours    = "ringcast"
	inC     = "ringcast C"
	raw     = "raw UDP, GSO"
	aeron   = "Aeron"
	norm    = "NORM"
	nats    = "NATS, TCP"
	zeromq  = "ZeroMQ, TCP"
	soonNak = "Aeron 100us"
	dds     = "CycloneDDS"
	zenoh   = "Zenoh, TCP"
	rawUDP  = "raw UDP"
	rawTCP  = "raw TCP"
)

// allContenders are ours and the peers. What a peer's program does stands in its file
// below bench/peers, with the reasons.
func allContenders(at Places) []contender {
	list := []contender{
		{name: ours, program: at.Self, daemon: at.forwarder, needs: []string{at.Forwarder}},
		{name: raw, program: []string{"bin/peers/raw"}, lossy: true, most: 1472, needs: []string{"bin/peers/raw"}},
		{name: aeron, program: []string{"bin/peers/aeron"}, daemon: aeronDriver, environment: aeronSettings,
			needs: []string{"bin/peers/aeron", aeronProgram}},
		{name: soonNak, program: []string{"bin/peers/aeron"}, daemon: aeronDriver, environment: aeronSoonNak,
			needs: []string{"bin/peers/aeron", aeronProgram}},
		{name: norm, program: []string{"bin/peers/norm"}, lossy: true, needs: []string{"bin/peers/norm"}},
		{name: nats, program: []string{"bin/peers/nats"}, daemon: natsServer, lossy: true, needs: []string{"bin/peers/nats"}},
		{name: zeromq, program: []string{"bin/peers/zeromq"}, needs: []string{"bin/peers/zeromq"}},
		{name: dds, program: []string{"bin/peers/cyclonedds"}, needs: []string{"bin/peers/cyclonedds"}},
		{name: zenoh, program: []string{"bin/peers/zenoh"}, needs: []string{"bin/peers/zenoh"}},
	}
	if at.Native != "" {
		list = append(list, contender{name: inC, program: []string{at.Native}, daemon: at.forwarder, needs: []string{at.Forwarder, at.Native}})
	}
	return list
}

// allAsked are those that have requests: their node 1 has the service, and what daemon there is.
func allAsked(at Places) []contender {
	const limit = "bin/peers/asked"
	return []contender{
		// A forwarder sends to its own host, too, until it has heard no other one there for 2 s.
		{name: ours, program: at.Self, daemon: at.forwarder, settles: 2200 * time.Millisecond, needs: []string{at.Forwarder}},
		{name: nats, program: []string{"bin/peers/nats"}, daemon: natsServer, needs: []string{"bin/peers/nats"}},
		{name: zeromq, program: []string{"bin/peers/zeromq-asked"}, needs: []string{"bin/peers/zeromq-asked"}},
		{name: rawUDP, program: []string{limit}, lossy: true, most: 1472, needs: []string{limit}},
		{name: rawTCP, program: []string{limit}, lossy: true, more: []string{"--stream", "1"}, needs: []string{limit}},
	}
}

// Places are where the programs are.
type Places struct {
	Self      []string // leads to Program: our sender and receivers
	Forwarder string   // ringcastd
	Native    string   // the same of the C library: cbindings/bench/net.c; empty where it has no part
}

// promises reports whether it is ours, which loses nothing without a word.
func (c *contender) promises() bool { return c.name == ours || c.name == inC }

// missing says why a contender is not here, or nothing.
func (c *contender) missing() string {
	for _, path := range c.needs {
		if _, err := os.Stat(path); err != nil {
			if c.name == ours {
				return path + " is not there: make build"
			}
			return fmt.Sprintf("%s is not built here (%s): make peers-net says why", c.name, filepath.Base(path))
		}
	}
	return ""
}

// forwarder is ours: its defaults.
func (at Places) forwarder(n *netlab.Node, _ bool) []string {
	return []string{at.Forwarder, "--shm-dir", n.Dir, "--domain", domain, "--interface", netlab.Interface, "--quiet", "--json"}
}

// natsServer runs on the sender's node.
func natsServer(n *netlab.Node, sends bool) []string {
	if !sends {
		return nil
	}
	return []string{"bin/peers/nats", "serve", "--address", n.Addr.String()}
}
