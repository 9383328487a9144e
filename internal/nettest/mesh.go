package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringcast/ringcast/internal/netlab"
)

// The mesh is a LAN as users have it: ten nodes, several programs in five languages on each, who
// publish to each other in rings and across, and ask each other's services; one frame in a hundred is lost.
// In its course node 9 is cut off for some seconds, and node 10 is killed, whole, and comes back. The small mesh is the
// first four nodes alone, to whom nothing happens.
const (
	meshLeast  = 4
	meshMost   = 10
	meshDomain = "default" // that of the languages' programs
	meshSize   = 2000      // bytes of a message
)

// An edge is who hears whom.
type edge struct{ from, to int }

// edges: A to B, B to C, C to D, D to A and B; and the other six in a ring.
var edges = []edge{{1, 2}, {2, 3}, {3, 4}, {4, 1}, {4, 2}, {5, 6}, {6, 7}, {7, 8}, {8, 9}, {9, 10}, {10, 5}}

const edgesLeast = 5 // of the small mesh

// A language has a program that publishes lines, and one that answers.
type language struct {
	name, publish, answer string
}

const inJava = "cbindings/java/target/peer:cbindings/java/target/ringcast.jar:cbindings/java/target/lib/*"

// languages in the order of the nodes; all of them are in package conformance's run too, where their answers are compared.
func (s *stage) languages() []language {
	tool := func(name string) string { return filepath.Join(filepath.Dir(s.keep), name) }
	python := ".tools/python/bin/python"
	return []language{
		{"Go", tool("ringcast") + " pub --quiet", tool("conformance") + " answer"},
		{"C", "cbindings/build/ringcast-pub", "cbindings/build/conformance-peer answer"},
		{"C++", "cbindings/build/ringcast-cpp-pub", "cbindings/build/conformance-peer-cpp answer"},
		{"Python", python + " examples/python/publish.py", python + " cbindings/conformance/python/peer.py answer"},
		{"Java", "java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp " + inJava + " Publish",
			"java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp " + inJava + " Peer answer"},
	}
}

// A feed is a publisher, and what was given to it.
type feed struct {
	*netlab.Process
	language string
	node     int
	end      context.CancelFunc
	done     chan struct{}
	sent     atomic.Uint64
	err      error
}

// A mesh is what runs on the stage.
type mesh struct {
	*stage
	feeds   map[int]*feed // by node
	killed  map[int]*feed
	hears   map[int]*subscriber
	answers []*netlab.Process
	asks    []*netlab.Process
	lang    []language
	edges   []edge
	cost    cost
	began   uint64

	cutOff, restarted int // nodes; 0 in the small mesh
}

// newMesh has the roles of so many nodes.
func newMesh(s *stage) (*mesh, error) {
	m := &mesh{stage: s, feeds: map[int]*feed{}, killed: map[int]*feed{}, hears: map[int]*subscriber{}, lang: s.languages(), edges: edges}
	switch s.nodes {
	case meshLeast:
		m.edges = edges[:edgesLeast]
	case meshMost:
		m.cutOff, m.restarted = meshMost-1, meshMost
	default:
		return nil, fmt.Errorf("%d nodes: want %d or %d", s.nodes, meshLeast, meshMost)
	}
	return m, nil
}

// all are the processes, by what they are for.
func (m *mesh) all() map[string][]*netlab.Process {
	all := map[string][]*netlab.Process{"ringcastd": m.forwarders, "asking, Go": m.asks}
	for node := 1; node <= m.nodes; node++ {
		f := m.feeds[node]
		all["publishing, "+f.language] = append(all["publishing, "+f.language], f.Process)
		all["subscribed, Go"] = append(all["subscribed, Go"], m.hears[node].Process)
	}
	for _, p := range m.answers {
		name := "answering, " + m.of(p.Node.Index).name
		all[name] = append(all[name], p)
	}
	return all
}

// meshScene plays it.
func meshScene(s *stage) error {
	if err := buildMesh(filepath.Dir(s.keep)); err != nil {
		return err
	}
	m, err := newMesh(s)
	if err != nil {
		return err
	}
	if err := s.set(s.nodes, "--domain", meshDomain); err != nil {
		return err
	}
	defer m.end()
	if err := m.begin(); err != nil {
		return err
	}
	if err := s.lab.LoseInto(1); err != nil {
		return err
	}
	s.say("%d nodes, 1 %% of all frames lost; %.0f messages of %d bytes a second from all %d publishers together, %.0f from each; each of them is for one subscriber, node 4's for two",
		s.nodes, s.rate, meshSize, s.nodes, s.rate/float64(s.nodes))
	m.began = clock()
	m.cost.begin(m.all())
	for _, act := range []func() error{nil, m.cut, m.restart} {
		if act != nil && m.cutOff != 0 {
			if err := act(); err != nil {
				return err
			}
		}
		time.Sleep(s.time / 3)
	}
	return m.conclude()
}

// buildMesh makes the programs in Go; `make scenario` has made those in other languages, which may have to
// download: in here there is no network but the lab's.
func buildMesh(dir string) error {
	out, err := exec.Command("go", "build", "-o", dir, "./cmd/ringcast", "./cbindings/conformance").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// begin starts everybody: who answers, who hears, who speaks, who asks.
func (m *mesh) begin() error {
	for node := 1; node <= m.nodes; node++ {
		if err := m.open(node, false); err != nil {
			return err
		}
	}
	for node := 1; node <= m.nodes; node++ {
		if err := m.speak(node); err != nil {
			return err
		}
	}
	for _, node := range []int{1, 7, 8} {
		if node > m.nodes {
			continue
		}
		n := m.lab.Node(node)
		p, err := n.Run(nil, self, "ask", "-dir", n.Dir, "-rate", "100")
		if err != nil {
			return err
		}
		if m.asks = append(m.asks, p); p.Ready() != nil {
			return p.Ready()
		}
	}
	return nil
}

// open starts a node's listener, and on nodes 2 to 6 and 9 an instance of the service.
func (m *mesh) open(node int, late bool) error {
	var topics []string
	for _, e := range m.edges {
		if e.to == node {
			topics = append(topics, topicOf(e.from))
		}
	}
	flags := []string{"-domain", meshDomain, "-text"}
	if late {
		flags = append(flags, "-late")
	}
	sub, err := m.subscribe(node, topics, flags...)
	if err != nil {
		return err
	}
	m.hears[node] = sub
	if node >= 2 && node <= 6 || node == m.cutOff {
		return m.answer(node)
	}
	return nil
}

func topicOf(node int) string { return fmt.Sprintf("mesh.%d", node) }

// of is the language of a node.
func (m *mesh) of(node int) language { return m.lang[(node-1)%len(m.lang)] }

// run starts a language's program on a node.
func (m *mesh) run(node int, command string, more ...string) (*netlab.Process, error) {
	n := m.lab.Node(node)
	return n.Run([]string{"RINGCAST_SHM_DIR=" + n.Dir}, append(strings.Fields(command), more...)...)
}

func (m *mesh) answer(node int) error {
	p, err := m.run(node, m.of(node).answer)
	if err != nil {
		return err
	}
	m.answers = append(m.answers, p)
	text, err := p.Line(30 * time.Second)
	if err == nil && !strings.HasPrefix(text, "ready ") {
		err = fmt.Errorf("%s says %q", p.Name(), text)
	}
	return err
}

// speak starts a node's publisher, and feeds it.
func (m *mesh) speak(node int) error {
	p, err := m.run(node, m.of(node).publish, topicOf(node))
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	f := &feed{Process: p, language: m.of(node).name, node: node, end: end, done: make(chan struct{})}
	m.feeds[node] = f
	go f.run(ctx, m.rate/float64(m.nodes))
	return nil
}

// run writes numbered lines at a rate, each with the time when it was due.
func (f *feed) run(ctx context.Context, rate float64) {
	defer close(f.done)
	rest := strings.Repeat("x", meshSize)
	begin := clock()
	for n := uint64(1); ctx.Err() == nil; n++ {
		due := begin + uint64(float64(n)/rate*1e9)
		for now := clock(); now < due && ctx.Err() == nil; now = clock() {
			time.Sleep(min(time.Duration(due-now), 20*time.Millisecond))
		}
		line := fmt.Sprintf("%d %d ", n, due)
		if _, f.err = fmt.Fprintln(f.Input, line+rest[len(line):]); f.err != nil {
			return
		}
		f.sent.Store(n)
	}
}

// stop ends the feed; the publisher has sent all of it when it has ended.
func (f *feed) stop() error {
	f.end()
	<-f.done
	if c, ok := f.Input.(interface{ Close() error }); ok {
		_ = c.Close()
	}
	select {
	case <-f.Ended():
		return f.err
	case <-time.After(30 * time.Second):
		return fmt.Errorf("%s does not end with its input", f.Name())
	}
}

// cut takes a node off the network for five seconds, which is longer than a node may be silent.
func (m *mesh) cut() error {
	if err := m.lab.Node(m.cutOff).SetCable(false); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	return m.lab.Node(m.cutOff).SetCable(true)
}

// restart kills everything on a node at once, and starts it again two seconds later.
func (m *mesh) restart() error {
	old := m.feeds[m.restarted]
	for _, p := range []*netlab.Process{old.Process, m.hears[m.restarted].Process, m.forwarders[m.restarted-1]} {
		p.Kill()
	}
	old.end()
	<-old.done
	m.killed[m.restarted] = old
	m.subscribers = without(m.subscribers, m.hears[m.restarted])
	time.Sleep(2 * time.Second)
	if err := m.forward(m.restarted, "--domain", meshDomain); err != nil {
		return err
	}
	if err := m.open(m.restarted, true); err != nil {
		return err
	}
	return m.speak(m.restarted)
}

func without(list []*subscriber, one *subscriber) (rest []*subscriber) {
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

// conclude ends everybody in order, and holds what was heard against what was sent.
func (m *mesh) conclude() error {
	var errs []error
	m.cost.print(m.all())
	for _, p := range m.asks {
		p.Signal(syscall.SIGTERM)
	}
	inquiries := make([]inquiry, len(m.asks))
	for i, p := range m.asks {
		errs = append(errs, p.Result(20*time.Second, &inquiries[i]))
	}
	for _, f := range m.feeds {
		errs = append(errs, f.stop())
	}
	time.Sleep(2 * time.Second)
	for _, sub := range m.hears {
		sub.Signal(syscall.SIGTERM)
	}
	for _, sub := range m.hears {
		errs = append(errs, sub.Result(20*time.Second, &sub.heard))
	}
	_, err := m.drops()
	errs = append(errs, err, m.pairs(), m.inquiries(inquiries))
	m.losses()
	return errors.Join(append(errs, m.figures())...)
}

// end kills what is left.
func (m *mesh) end() {
	for _, f := range m.feeds {
		f.end()
		f.Kill()
	}
	for _, p := range append(m.answers, m.asks...) {
		p.Kill()
	}
}
