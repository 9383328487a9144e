package ringcast

import (
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
)

// A playedForwarder is a seat that a test writes the directory from.
type playedForwarder struct {
	t    *testing.T
	seat interface {
		WriteDirectory([]byte) error
		Close() error
	}
}

func playForwarder(t *testing.T, dir string) *playedForwarder {
	t.Helper()
	f := presenceBus(t, dir, "forwarder")
	seat, err := f.domain.ClaimForwarder(f.self)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = seat.Close() })
	return &playedForwarder{t, seat}
}

// close ends the forwarder.
func (f *playedForwarder) close() {
	f.t.Helper()
	if err := f.seat.Close(); err != nil {
		f.t.Fatal(err)
	}
}

func (f *playedForwarder) write(d table.Directory) {
	f.t.Helper()
	if err := f.seat.WriteDirectory(table.AppendDirectory(nil, &d)); err != nil {
		f.t.Fatal(err)
	}
}

// otherNode is node 7 with one process that subscribes, publishes and serves.
func otherNode() table.NodeInfo {
	return table.NodeInfo{Node: 7, Epoch: 0x1f03, Name: "seven", Known: true, Wants: []string{"orders.>"}, Participants: []table.RemoteParticipant{{
		Index: 4, Generation: 9, Language: layout.LanguagePython, Info: table.ParticipantInfo{
			Name: "desk", Version: "3.1",
			Interests: []table.Interest{{Name: "orders.>", Pattern: true}, {Name: "prices", Publisher: true}},
			Services:  []table.Service{{Name: "quotes", Limit: 8, Room: 8}},
		},
	}}, Services: []table.NodeService{{Name: "quotes", Instances: 1, Limit: 8, Room: 4}}}
}

// TestWatchOtherProcesses follows a process of another node, and each way in which it ends.
func TestWatchOtherProcesses(t *testing.T) {
	dir := t.TempDir()
	a, f := presenceBus(t, dir, "a"), playForwarder(t, dir)
	w := watch(t, a, &WatchConfig{Kinds: []PresenceKind{PresenceNode, PresencePublisher, PresenceSubscriber, PresenceInstance}})
	up := func() {
		t.Helper()
		f.write(table.Directory{Nodes: []table.NodeInfo{otherNode()}})
		w.want("up publisher prices of desk", "up subscriber orders.> of desk")
		e := w.want("up instance quotes of desk")
		if want := (Address{Node: 7, Epoch: 0x1f03, Index: 4, Generation: 9}); e.Address != want || e.Version != "3.1" || e.Language != layout.LanguagePython || e.Limit != 8 {
			t.Errorf("instance %+v: want %v, 3.1, in Python, with a limit of 8", e, want)
		}
	}
	down := func(reason PresenceReason) {
		t.Helper()
		for _, line := range []string{"instance quotes", "subscriber orders.>", "publisher prices"} {
			if e := w.want("down " + line + " of desk"); e.Reason != reason {
				t.Errorf("%v: reason %v, want %v", e, e.Reason, reason)
			}
		}
	}
	f.write(table.Directory{Nodes: []table.NodeInfo{{Node: 7, Epoch: 0x1f03, Name: "seven", Wants: []string{"orders.>"}}}})
	w.want("up node seven") // what it wants is told when it has told whose it is
	up()
	empty := otherNode()
	empty.Participants, empty.Services = nil, nil // what it wants may be told later
	f.write(table.Directory{Nodes: []table.NodeInfo{empty}})
	down(ReasonLeft)
	up()
	empty.Departed = []table.Departure{{Index: 4, Generation: 8, Ending: layout.EndingLeft}, {Index: 4, Generation: 9, Ending: layout.EndingDied}}
	f.write(table.Directory{Nodes: []table.NodeInfo{empty}})
	down(ReasonDied)
	for ending, reason := range map[uint8]PresenceReason{layout.EndingLeft: ReasonNodeLeft, layout.EndingUnheard: ReasonNodeDown} {
		up()
		f.write(table.Directory{Lost: []table.LostNode{{Node: 7, Epoch: 0x1f03, Ending: 3 - ending}, {Node: 7, Epoch: 0x1f03, Ending: ending}}})
		down(reason)
		if e := w.want("down node seven"); e.Reason != reason {
			t.Errorf("%v: reason %v, want %v", e, e.Reason, reason)
		}
		f.write(table.Directory{Nodes: []table.NodeInfo{{Node: 7, Epoch: 0x1f03, Name: "seven"}}})
		w.want("up node seven")
	}
}

// TestNodes lists the other nodes, as long as there is a forwarder.
func TestNodes(t *testing.T) {
	dir := t.TempDir()
	a := presenceBus(t, dir, "a")
	if nodes, err := a.Nodes(); nodes != nil || err != nil {
		t.Errorf("without a forwarder: %+v, %v", nodes, err)
	}
	f := playForwarder(t, dir)
	f.write(table.Directory{Nodes: []table.NodeInfo{otherNode()}})
	nodes, err := a.Nodes()
	if err != nil || len(nodes) != 1 || !nodes[0].Known || len(nodes[0].Participants) != 1 {
		t.Fatalf("nodes %+v, %v: want node 7 with a participant", nodes, err)
	}
	p := nodes[0].Participants[0]
	if p.Address.String() != "n7-1f03.4.9" || p.Info.Name != "desk" || p.Info.Language != layout.LanguagePython || len(p.Info.Interests) != 2 {
		t.Errorf("participant %+v", p)
	}
	if s := nodes[0].Services; len(s) != 1 || s[0] != (RemoteService{"quotes", 1, 8, 4}) {
		t.Errorf("services %+v", s)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Nodes(); err != ErrClosed {
		t.Errorf("on a closed bus: %v", err)
	}
}

// TestSubscribersElsewhere counts subscriptions of other nodes as their nodes ask for them.
func TestSubscribersElsewhere(t *testing.T) {
	dir := t.TempDir()
	a, f := presenceBus(t, dir, "a"), playForwarder(t, dir)
	second := otherNode()
	second.Participants = append(second.Participants, table.RemoteParticipant{Index: 5, Generation: 1, Info: table.ParticipantInfo{
		Name: "late", Interests: []table.Interest{{Name: "orders.eu"}, {Name: "orders.eu", LocalOnly: true}},
	}})
	asked := second
	asked.Wants = []string{"orders.>", "orders.eu"}
	for _, c := range []struct {
		what string
		node table.NodeInfo
		want int
	}{
		{"a node that wants nothing", table.NodeInfo{Node: 7, Epoch: 1, Known: true}, 0},
		{"one that has told only what it wants", table.NodeInfo{Node: 7, Epoch: 1, Wants: []string{"orders.*"}}, 1},
		{"one process", otherNode(), 1},
		{"two, of which the node has asked for one", second, 1},
		{"two", asked, 2},
	} {
		f.write(table.Directory{Nodes: []table.NodeInfo{c.node}})
		if got, err := a.Subscribers("orders.eu"); got != c.want || err != nil {
			t.Errorf("%s: %d, %v; want %d", c.what, got, err, c.want)
		}
	}
}
