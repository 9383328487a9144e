package frozen

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// Messages that are published in each case, and their size: of a few datagrams.
const (
	count = "200"
	size  = "3000"
)

// publish lets one program publish and compares what all subscribers got.
func publish(t *testing.T, n *node, r release, topic string, subscribers []*subscriber) {
	t.Helper()
	out := n.run(r, "pub", topic, "--count", count, "--size", size, "--wait-subscribers", fmt.Sprint(len(subscribers)), "--sha256", "--json")
	for _, s := range subscribers {
		s.check(t, r.name, sum(t, []byte(out)))
	}
}

// On one node each release reads what the other one writes, and answers it.
func TestOneNode(t *testing.T) {
	both := releases(t)
	n := newNode(t)
	for _, w := range both {
		publish(t, n, w, "from."+w.name, []*subscriber{n.subscribe(both[0], "from."+w.name, count), n.subscribe(both[1], "from."+w.name, count)})
		n.start(n.command(w, "ringcast", "serve", "by."+w.name, "--quiet"))
		for _, asking := range both {
			n.await(asking, func(printed string) bool { return printed == "hello\n" || printed == "hello" }, "call", "by."+w.name, "hello", "--timeout", "30s")
		}
		for _, looking := range both {
			if out := n.run(looking, "services"); !strings.Contains(out, "by."+w.name) {
				t.Errorf("%s does not see a service of %s: %s", looking.name, w.name, out)
			}
		}
	}
}

// Between two nodes, one with a forwarder of each release, programs of both reach each other in
// both directions; and each release's tools read what the other's forwarder knows.
func TestBetweenNodes(t *testing.T) {
	both := releases(t)
	old := newNode(t)
	new := old.other()
	nodes := [2]*node{old, new}
	for i, n := range nodes {
		n.forward(both[i])
	}
	for i, n := range nodes {
		for _, looking := range both {
			n.await(looking, func(printed string) bool { return strings.Count(printed, `"known":true`) == 2 }, "nodes", "--json")
		}
		for _, w := range both {
			topic := fmt.Sprintf("n%d.%s", i, w.name)
			var all []*subscriber
			for _, at := range nodes {
				for _, r := range both {
					all = append(all, at.subscribe(r, topic, count))
				}
			}
			publish(t, n, w, topic, all)
			n.start(n.command(w, "ringcast", "serve", "s."+topic, "--quiet"))
			for _, asking := range both {
				nodes[1-i].await(asking, func(printed string) bool { return strings.TrimSpace(printed) == "hello" }, "call", "s."+topic, "hello", "--timeout", "30s")
			}
		}
	}
	t.Run("quarantine", func(t *testing.T) { testQuarantine(t, new, both) })
}

// testQuarantine floods the forwarder of this release: it says so in a field of its directory that the
// earlier release does not know, and passes over.
func testQuarantine(t *testing.T, n *node, both [2]release) {
	c, err := net.Dial("udp", n.speaks)
	if err != nil {
		t.Fatal(err)
	}
	done, calm := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		junk := make([]byte, 64)
		for {
			select {
			case <-calm:
				return
			case <-time.After(time.Millisecond):
			}
			for range 20 {
				_, _ = c.Write(junk)
			}
		}
	}()
	defer func() { close(calm); <-done; _ = c.Close() }()
	source := c.LocalAddr().String()
	n.await(both[1], func(printed string) bool {
		return strings.Contains(printed, "in quarantine: "+source) && seesAll(n, both[0])
	}, "nodes")
}

// seesAll says whether the tool of a release sees both nodes.
func seesAll(n *node, r release) bool {
	return strings.Count(n.run(r, "nodes", "--json"), `"known":true`) == 2
}
