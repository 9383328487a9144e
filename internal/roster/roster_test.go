package roster

import (
	"flag"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "run this seed only")
	fromFlag  = flag.Uint64("from", 1, "first seed")
	seedsFlag = flag.Int("seeds", 25, "number of seeds")
	nodesFlag = flag.Int("nodes", 100, "nodes of TestCost")
)

func seeds(t *testing.T) (from, to uint64) {
	only := *seedFlag
	if s := os.Getenv("RINGCAST_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			t.Fatalf("RINGCAST_SEED: %v", err)
		}
		only = n
	}
	if only != 0 {
		return only, only + 1
	}
	n := *seedsFlag
	if testing.Short() {
		n = min(n, 8)
	}
	return *fromFlag, *fromFlag + uint64(n)
}

// trouble is a world in which everything goes wrong for a while, and then nothing.
func trouble(seed uint64) *world {
	w := newWorld(seed, 0)
	nodes := []int{2, 2, 3, 3, 4, 5, 8, 20}[w.rnd.IntN(8)]
	w = newWorld(seed, nodes)
	w.loss = []float64{0, 0.01, 0.1, 0.4}[w.rnd.IntN(4)]
	w.double = []float64{0, 0.05, 0.3}[w.rnd.IntN(3)]
	w.delay = []Time{Millisecond, 10 * Millisecond, 300 * Millisecond}[w.rnd.IntN(3)]
	w.busy = []float64{0, 0.3}[w.rnd.IntN(2)]
	apart := []Time{2 * Millisecond, 50 * Millisecond}[w.rnd.IntN(2)]
	if nodes > 8 {
		apart = 50 * Millisecond
	}
	w.every(apart, w.change)
	w.every(1500*Millisecond, w.split)
	w.every(1200*Millisecond, w.kill)
	w.run(6 * Second)
	w.quiet()
	w.run(12 * Second)
	if w.bad == "" {
		if what := w.apart(); what != "" {
			w.broken("equal", "%s", what)
		}
	}
	return w
}

// every does something again and again, until all is calm.
func (w *world) every(mean Time, do func()) {
	w.after(1+w.upTo(2*mean), func() {
		if !w.calm {
			do()
			w.every(mean, do)
		}
	})
}

func (w *world) anyone() *simNode { return w.nodes[w.rnd.IntN(len(w.nodes))] }

// change lets somebody come, go, do something else, or have other room.
func (w *world) change() {
	n := w.anyone()
	index := uint16(w.rnd.IntN(12))
	_, used := n.rows[index]
	switch {
	case w.chance(0.3):
		n.rooms = nil
		for i := range w.rnd.IntN(4) {
			n.rooms = append(n.rooms, table.NodeService{Name: "s" + strconv.Itoa(i), Room: uint32(w.rnd.IntN(100))})
		}
	case !used:
		n.join()
	case w.chance(0.5):
		n.leave(index, []uint8{layout.EndingLeft, layout.EndingDied}[w.rnd.IntN(2)])
	default:
		n.work(index)
	}
	if n.up {
		n.tell()
		n.pump()
	}
}

// split cuts the nodes in two, cuts one pair, in one direction or both, or heals all.
func (w *world) split() {
	clear(w.cut)
	switch w.rnd.IntN(4) {
	case 0:
		border := w.rnd.IntN(len(w.nodes))
		for i := range w.nodes {
			for j := range w.nodes {
				w.cut[[2]int{i, j}] = (i < border) != (j < border)
			}
		}
	case 1:
		a, b := w.rnd.IntN(len(w.nodes)), w.rnd.IntN(len(w.nodes))
		w.cut[[2]int{a, b}] = true
		w.cut[[2]int{b, a}] = w.chance(0.7)
	}
}

// kill ends a forwarder, with its node or without, and has it come back.
func (w *world) kill() {
	n := w.anyone()
	if !n.up {
		return
	}
	n.stop(w.chance(0.3))
	if w.chance(0.4) { // a boot
		n.epoch++
		n.newParticipants()
		n.had = map[uint64]bool{}
	}
	w.after(w.upTo(3*Second), n.start)
}

// quiet ends everything that goes wrong.
func (w *world) quiet() {
	w.calm, w.loss, w.double, w.busy = true, 0, 0, 0
	w.delay = Millisecond
	clear(w.cut)
	for _, n := range w.nodes {
		n.start()
	}
}

// Whatever is lost, doubled, overtaken, cut off, killed or begun anew: what a node knows of
// another is always a state which that one had, never goes back, and is gone with it; and
// in the end all know all.
func TestSeeds(t *testing.T) {
	from, to := seeds(t)
	var messages, delivered, missed uint64
	for seed := from; seed < to; seed++ {
		w := trouble(seed)
		if w.bad != "" {
			t.Fatalf("seed %d: %s\nrerun: go test ./internal/roster -run 'TestSeeds$' -seed %d", seed, w.bad, seed)
		}
		messages, delivered = messages+w.messages, delivered+w.delivered
		for _, n := range w.nodes {
			missed += n.roster.Counts().Missed
		}
	}
	t.Logf("%d seeds: %d messages, %d taken, %d times something was missed and asked for", to-from, messages, delivered, missed)
	if missed == 0 {
		t.Error("nothing was ever missed, so nothing was shown")
	}
}

// The same seed is the same run.
func TestReplay(t *testing.T) {
	a, b := trouble(3), trouble(3)
	if a.messages != b.messages || a.bytes != b.bytes || a.delivered != b.delivered {
		t.Errorf("seed 3 gave %d messages of %d bytes, and then %d of %d", a.messages, a.bytes, b.messages, b.bytes)
	}
}

// What a change costs the others, and how long it takes; what all cost when nothing happens.
func TestCost(t *testing.T) {
	count := *nodesFlag
	if testing.Short() {
		count = 40
	}
	w := newWorld(1, count)
	w.delay = 200_000
	measure := func(what string, d Time) (perSecond float64) {
		messages, bytes := w.messages, w.bytes
		w.run(d)
		perSecond = float64(w.bytes-bytes) / (float64(d) / float64(Second))
		t.Logf("%d nodes, %s: %d messages, %.0f bytes a second on the network, that is what each node takes", count, what, w.messages-messages, perSecond)
		return perSecond
	}
	measure("all starting at once", 3*Second)
	if what := w.apart(); what != "" {
		t.Fatal(what)
	}
	idle := measure("nothing happens", 20*Second)
	if idle > 50_000 {
		t.Errorf("%.0f bytes a second when nothing happens: want at most 50000", idle)
	}
	w.every(100*Millisecond, w.change)
	if churn := measure("10 changes a second", 10*Second); churn > 100_000 {
		t.Errorf("%.0f bytes a second at 10 changes a second: want at most 100000", churn)
	}
	w.calm = true
	if w.bad != "" {
		t.Error(w.bad)
	}
}

// Where nothing is lost a change is known to all 10 ms later at most: 5 that changes lie apart,
// 1 that a message takes, and the timers.
func TestChangesAreToldAtOnce(t *testing.T) {
	w := newWorld(7, 10)
	w.run(2 * Second)
	for range 200 {
		w.run(w.upTo(30 * Millisecond))
		w.change()
		w.run(10 * Millisecond)
		if w.bad != "" {
			t.Fatal(w.bad)
		}
		for _, n := range w.nodes {
			for _, x := range n.roster.Nodes() {
				if m := w.nodes[x.Node-1]; !slices.EqualFunc(x.Rows, m.sorted(), equal) {
					t.Fatalf("at %d ms node %d does not know yet what changed on node %d 10 ms ago", w.now/Millisecond, n.id, m.id)
				}
			}
		}
	}
}

// The first state bears those who were gone before the session, the last of them, and so do the
// states that follow, with who has gone since.
func TestFirstStateTellsWhoWasGone(t *testing.T) {
	gone := make([]table.Departure, MostDepartures+3)
	for i := range gone {
		gone[i] = table.Departure{Index: uint16(i), Generation: 1, Ending: layout.EndingDied}
	}
	asked := 0
	r := New(Config{Node: 1, Session: 1, Departed: func() []table.Departure { asked++; return gone }}, rand.New(rand.NewPCG(1, 1)))
	r.Up(0, 2, 1, 5)
	r.Joined(0, 2)
	rows := []table.RemoteParticipant{{Index: 1, Generation: 2}}
	now := Second
	tell := func(rows []table.RemoteParticipant) table.DirectoryUpdate {
		t.Helper()
		r.SetRows(now, rows, func(uint16, uint32) uint8 { return layout.EndingLeft })
		now += Second
		u, err := table.ParseDirectoryUpdate(r.Emit(now))
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	if u := tell(rows); u.Base != 0 || !slices.Equal(u.Departed, gone[3:]) {
		t.Errorf("on %d: %v, want a whole state with %v", u.Base, u.Departed, gone[3:])
	}
	last := table.Departure{Index: 1, Generation: 2, Ending: layout.EndingLeft}
	if u := tell(nil); u.Base != 1 || !slices.Equal(u.Departed, []table.Departure{last}) {
		t.Errorf("on %d: %v, want the change %v", u.Base, u.Departed, last)
	}
	r.Joined(now, 2) // it wants the topic anew
	if u := tell(nil); u.Base != 0 || !slices.Equal(u.Departed, append(gone[4:], last)) {
		t.Errorf("on %d: %v, want a whole state with all of them", u.Base, u.Departed)
	}
	if asked != 1 {
		t.Errorf("asked %d times who was gone, want once", asked)
	}
}

// Whatever another node tells is taken or refused: nothing breaks, nothing grows without end.
func FuzzReceive(f *testing.F) {
	row := table.RemoteParticipant{Index: 3, Generation: 9, Info: table.ParticipantInfo{Name: "p", Services: []table.Service{{Name: "s", Limit: 2}}}}
	rows := []table.RemoteParticipant{row}
	for _, u := range []table.DirectoryUpdate{
		{Session: 5, Version: 1, Digest: digestOf(rows), Participants: rows},
		{Session: 5, Base: 1, Version: 2, Departed: []table.Departure{{Index: 3, Generation: 9, Ending: 1}}},
		{Session: 5, Base: 1, Version: 1, Rooms: []table.NodeService{{Name: "s", Room: 1}}, Asks: []table.DirectoryAsk{{Node: 1, Session: 1}}},
	} {
		f.Add(table.AppendDirectoryUpdate(nil, &u))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		r := New(Config{Node: 1, Session: 1}, rand.New(rand.NewPCG(1, 1)))
		r.Up(0, 2, 1, 5)
		r.Joined(0, 2)
		r.SetRows(0, rows, func(uint16, uint32) uint8 { return layout.EndingLeft })
		for now := Time(0); now < 10*Second; now += Second {
			_, _ = r.Receive(now, 2, message)
			r.Tick(now)
			_ = r.Emit(now)
		}
		for _, n := range r.Nodes() {
			if len(n.Rows) > rowsMax || len(n.Departed) > MostDepartures || len(n.rooms) > roomsMax {
				t.Errorf("%d rows, %d departures, %d rooms are kept", len(n.Rows), len(n.Departed), len(n.rooms))
			}
			_ = n.Services()
		}
	})
}

// A row that is too large loses interests first, and a node that has too much keeps those
// that serve.
func TestFit(t *testing.T) {
	many := func(n int) (list []table.Interest) {
		for i := range n {
			list = append(list, table.Interest{Name: "topic." + strconv.Itoa(i)})
		}
		return list
	}
	small := table.RemoteParticipant{Index: 1, Generation: 1, Info: table.ParticipantInfo{Name: "small", Interests: many(3)}}
	large := table.RemoteParticipant{Index: 2, Generation: 1, Info: table.ParticipantInfo{Name: "large", Interests: many(500), Services: []table.Service{{Name: "s"}}}}
	got := Fit([]table.RemoteParticipant{small, large})
	if len(got) != 2 || got[0].Partial || len(got[0].Info.Interests) != 3 {
		t.Errorf("a small row: %+v", got[0])
	}
	if !got[1].Partial || got[1].Info.Interests != nil || len(got[1].Info.Services) != 1 {
		t.Errorf("a large row: partial %v, %d interests, %d services; want true, 0, 1", got[1].Partial, len(got[1].Info.Interests), len(got[1].Info.Services))
	}
	var crowd []table.RemoteParticipant
	for i := range 1000 {
		row := table.RemoteParticipant{Index: uint16(i), Generation: 1, Info: table.ParticipantInfo{Name: string(make([]byte, 200))}}
		if i%2 == 0 {
			row.Info.Services = []table.Service{{Name: "s"}}
		}
		crowd = append(crowd, row)
	}
	total := 0
	for _, row := range Fit(crowd) {
		total += sizeOf(&row)
	}
	served := slices.DeleteFunc(Fit(crowd), func(r table.RemoteParticipant) bool { return r.Info.Services == nil })
	if total > nodeSize || len(served) != 500 {
		t.Errorf("a crowd: %d bytes, at most %d are allowed; %d of 500 that serve are left", total, nodeSize, len(served))
	}
}

// A node that tells without end is not read any more; its state is asked for, and right again
// once it tells what the healthy do.
func TestFloodOfUpdates(t *testing.T) {
	a, b := New(Config{Node: 1, Session: 10}, rand.New(rand.NewPCG(1, 1))), New(Config{Node: 2, Session: 20}, rand.New(rand.NewPCG(2, 2)))
	now := Second
	a.Up(now, 2, 1, 20)
	b.Up(now, 1, 1, 10)
	b.Joined(now, 1)
	a.Joined(now, 2)
	rows := []table.RemoteParticipant{{Index: 3, Generation: 1, Info: table.ParticipantInfo{Name: "x"}}}
	b.SetRows(now, rows, func(uint16, uint32) uint8 { return 0 })
	now += Second
	message := b.Emit(now)
	if message == nil {
		t.Fatal("nothing is told")
	}
	for range 20_000 {
		if _, err := a.Receive(now, 2, message); err != nil {
			t.Fatal(err)
		}
		now += 10_000
	}
	if c := a.Counts(); c.Limited < 14_000 || c.Limited > 15_000 || c.Taken == 0 {
		t.Errorf("of 20,000 updates in 0.2 s: %+v", c)
	}
	now += Second
	a.Tick(now)
	asked := a.Emit(now)
	if asked == nil {
		t.Fatal("nobody is asked")
	}
	u, err := table.ParseDirectoryUpdate(asked)
	if err != nil || len(u.Asks) != 1 && len(u.Participants) == 0 {
		t.Errorf("asked: %+v, %v", u, err)
	}
	if changed, err := a.Receive(now, 2, message); err != nil || changed || a.Counts().Limited > 15_000 {
		t.Errorf("after the flood: %v, %v, %+v", changed, err, a.Counts())
	}
}
