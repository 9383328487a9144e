package forward

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/mcast"
	"github.com/ringcast/ringcast/mcast/udp"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// childForwards makes the process that childBase starts a forwarder.
const childForwards = "RINGCAST_TEST_CHILD_FORWARDS"

// sweepSoon lets rows go soon.
var sweepSoon = sweepTimes{apart: 5 * time.Millisecond, quiet: 50 * mcast.Millisecond, away: awayFor}

// forwardUntilKilled is a forwarder in a process of its own, until it is killed or its parent is gone.
func forwardUntilKilled(domain shm.Config) {
	f, err := New(Config{Domain: domain, Net: udp.Config{Interface: "lo"}, sweep: sweepSoon})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		cancel()
	}()
	_, _ = os.Stdout.WriteString("up\n")
	if err := f.Run(ctx); err != nil {
		panic(err)
	}
	os.Exit(0)
}

// forwardInChild starts the node's forwarder in a process of its own, and returns what kills that.
func (n *testNode) forwardInChild() (kill func()) {
	n.t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childBase+"="+n.base, childDomain+"="+n.domain, childForwards+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if _, err = cmd.StdinPipe(); err != nil {
		n.t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	kill = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	n.t.Cleanup(kill)
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		n.t.Fatalf("%q, %v", line, err)
	}
	return kill
}

// fewRows makes the node's next forwarder have so few rows of cursors and of streams.
func (n *testNode) fewRows(cursors, streams int) {
	n.t.Helper()
	f, err := New(n.config()) // makes them
	if err != nil {
		n.t.Fatal(err)
	}
	path := filepath.Join(f.domain.Dir(), "forwarder")
	if err := f.Close(); err != nil {
		n.t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	le, h := binary.LittleEndian, b[layout.SegmentHeaderSize:]
	le.PutUint32(h[layout.ForwarderHeaderCursorCountOffset:], uint32(cursors))
	le.PutUint32(h[layout.ForwarderHeaderStreamCountOffset:], uint32(streams))
	le.PutUint32(b[layout.SegmentHeaderChecksumOffset:], 0)
	fixed := le.Uint32(b[layout.SegmentHeaderFixedSizeOffset:])
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(crc32.Checksum(b[:layout.CacheLine], castagnoli), castagnoli, b[layout.SegmentHeaderSize:fixed])
	le.PutUint32(b[layout.SegmentHeaderChecksumOffset:], sum)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		n.t.Fatal(err)
	}
}

// rowsUsed counts the rows that have a key.
func (n *testNode) rowsUsed(start, count, key int) (used int) {
	b, err := os.ReadFile(filepath.Join(n.base, n.domain, "forwarder"))
	if err != nil {
		n.t.Error(err)
		return 0
	}
	le, h := binary.LittleEndian, b[layout.SegmentHeaderSize:]
	at := int(le.Uint32(h[start:]))
	for range le.Uint32(h[count:]) {
		if le.Uint64(b[at+key:]) != 0 {
			used++
		}
		at += layout.CacheLine
	}
	return used
}

func (n *testNode) streamsUsed() int {
	return n.rowsUsed(layout.ForwarderHeaderStreamsStartOffset, layout.ForwarderHeaderStreamCountOffset, layout.ForwarderStreamRingIdOffset)
}

func (n *testNode) cursorsUsed() int {
	return n.rowsUsed(layout.ForwarderHeaderCursorsStartOffset, layout.ForwarderHeaderCursorCountOffset, layout.ForwarderCursorRingIdOffset)
}

// awaitUsed waits until no more rows are in use than that.
func awaitUsed(ctx context.Context, used func() int, most int) error {
	for used() > most {
		if ctx.Err() != nil {
			return fmt.Errorf("%d rows are in use, and do not become fewer", used())
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// comings has visitors publish to a topic that one publisher keeps, and reads what comes of them on the other node, while
// again starts that node's forwarder anew, again and again.
func comings(t *testing.T, a, b *testNode, ctx context.Context, visitors, each, rows int, again func()) {
	t.Helper()
	idle, silent := a.writer("news", ring.Shape{})
	reader, rd := b.reader("news")
	await(t, ctx, a.look(), "who wants it", func(x *shm.Directory) bool { return wantedThere(x, "news") })
	got := newAccount()
	got.expect(silent.Address(), 1)
	if err := idle.publish(ctx, silent, numbered(0)); err != nil {
		t.Fatal(err)
	}
	came, done := make(chan shm.Address, 4), make(chan error, 1) // so many come at most while the forwarder is away
	background(t, ctx, func(ctx context.Context) {
		defer close(came)
		for range visitors {
			from, err := a.visit(ctx, "news", each)
			if err == nil {
				err = awaitUsed(ctx, b.streamsUsed, rows*3/4)
			}
			if err != nil {
				done <- err
				return
			}
			select {
			case came <- from:
			case <-ctx.Done():
			}
		}
		done <- nil
	})
	next := time.Now().Add(200 * time.Millisecond)
	for from := range came {
		if err := got.follow(ctx, reader, rd, from, uint64(each)); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(next) {
			again()
			next = time.Now().Add(200 * time.Millisecond)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := idle.publish(ctx, silent, numbered(1)); err != nil {
		t.Fatal(err)
	}
	if err := got.follow(ctx, reader, rd, silent.Address(), 2); err != nil {
		t.Fatal(err)
	}
	for from, s := range got.streams {
		if want := uint64(each) + 1; from != silent.Address() && s.next != want {
			t.Errorf("%v: %d is next, want %d", from, s.next, want)
		}
	}
	if n := uint64(visitors*each + 2); got.delivered != n || got.lost != 0 || got.lagged != 0 {
		t.Errorf("%d of %d delivered, %d told as lost, %d jumped over", got.delivered, n, got.lost, got.lagged)
	}
}

// wantedThere says whether another node wants a topic.
func wantedThere(x *shm.Directory, topic string) bool {
	return slices.ContainsFunc(x.Nodes, func(n table.NodeInfo) bool { return slices.Contains(n.Wants, topic) })
}

// TestStreamRowsAreUsedAgain has many more publishers come and go than there are rows of streams, while the forwarder
// that has them is killed again and again: nothing is repeated, hidden or lost.
func TestStreamRowsAreUsedAgain(t *testing.T) {
	const rows = 64
	visitors := 20 * rows
	if testing.Short() {
		visitors = 6 * rows
	}
	a, b := newNode(t, "a"), newNode(t, "b")
	b.fewRows(16, rows)
	a.start(nil)
	kill := b.forwardInChild()
	kills := 0
	comings(t, a, b, testContext(t, 2*time.Minute), visitors, 3, rows, func() {
		kill()
		kill = b.forwardInChild()
		kills++
	})
	t.Logf("%d visitors, %d rows, %d kills; %d rows in use", visitors, rows, kills, b.streamsUsed())
	if kills == 0 {
		t.Error("it was killed never")
	}
}

// TestStreamRowsAreUsedAgainHere is the same in one process, with a forwarder that ends well.
func TestStreamRowsAreUsedAgainHere(t *testing.T) {
	const rows = 64
	a, b := newNode(t, "a"), newNode(t, "b")
	b.fewRows(16, rows)
	a.start(lossy)
	soon := func(c *Config) { lossy(c); c.sweep = sweepSoon }
	b.start(soon)
	let, unplaced := uint64(0), uint64(0)
	count := func() {
		m := b.f.Stats().Map()
		let, unplaced = let+m["forward.places_let"], unplaced+m["forward.unplaced"]
	}
	comings(t, a, b, testContext(t, time.Minute), 4*rows, 3, rows, func() {
		count()
		b.stop()
		b.start(soon)
	})
	count()
	if let < 2*rows || unplaced != 0 {
		t.Errorf("%d rows were let go, %d places had none", let, unplaced)
	}
}

// TestCursorRowsAreUsedAgain has publishers of many more topics come and go than there are rows of cursors, while their
// node's forwarder is killed again and again.
func TestCursorRowsAreUsedAgain(t *testing.T) {
	const rows, topics, each = 16, 80, 3
	a, b := newNode(t, "a"), newNode(t, "b")
	a.fewRows(rows, 16)
	kill := a.forwardInChild()
	b.start(nil)
	ctx := testContext(t, time.Minute)
	b.program(shm.Interest{Name: "news.*", Pattern: true})
	seen := a.look()
	wanted := func() {
		await(t, ctx, seen, "who wants them", func(x *shm.Directory) bool { return wantedThere(x, "news.*") })
	}
	wanted()
	for i := range topics {
		if _, err := a.visitShaped(ctx, fmt.Sprintf("news.%d", i), ring.Shape{Slots: 64, Payload: 64}, each); err != nil {
			t.Fatal(err)
		}
		for want := uint64((i + 1) * each); b.f.Stats().Map()["forward.delivered"] < want; time.Sleep(time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("topic %d: %d of %d delivered", i, b.f.Stats().Map()["forward.delivered"], want)
			}
		}
		if err := awaitUsed(ctx, a.cursorsUsed, rows-2); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 {
			kill()
			kill = a.forwardInChild()
			wanted()
		}
	}
	if m := b.f.Stats().Map(); m["forward.delivered"] != topics*each || m["forward.lost"] != 0 {
		t.Errorf("%d of %d delivered, %d lost", m["forward.delivered"], topics*each, m["forward.lost"])
	}
}

// TestRowsThatADrainerUsesStay lets go of all that can be while a drainer has the words of a topic's rows in hand: those stay,
// and another stream would get them otherwise.
func TestRowsThatADrainerUsesStay(t *testing.T) {
	_, b, _, _, ctx, stop := stoppedReader(t, "parked")
	stop()
	before := len(b.f.streamRows())
	b.f.letGo(b.f.streamRows())
	if after := len(b.f.streamRows()); before == 0 || after != before {
		t.Errorf("of %d rows %d stay", before, after)
	}
	idle := func() bool {
		b.f.mu.Lock()
		defer b.f.mu.Unlock()
		return b.f.in["parked"].idle()
	}
	for !idle() { // the reader is put out
		if ctx.Err() != nil {
			t.Fatal("it drains for ever")
		}
		time.Sleep(time.Millisecond)
	}
	b.f.letGo(b.f.streamRows())
	if after := len(b.f.streamRows()); after != 0 {
		t.Errorf("%d rows stay behind it", after)
	}
}

// TestRowLetGoTooSoon lets the row of a publisher go that is heard of again, once another one has it: it gets one anew, and
// the other's stays as it is.
func TestRowLetGoTooSoon(t *testing.T) {
	a, b, reader, rd, ctx := twoNodes(t, "news", nil)
	writer, w := a.writer("news", ring.Shape{})
	got := newAccount()
	read := func(from shm.Address, last uint64) {
		t.Helper()
		if err := got.follow(ctx, reader, rd, from, last); err != nil {
			t.Fatal(err)
		}
	}
	writer.publishN(ctx, w, 3)
	read(w.Address(), 3)
	b.f.letGo(b.f.streamRowsNow())
	if n := len(b.f.streamRows()); n != 0 {
		t.Errorf("%d rows stay", n)
	}
	from, err := a.visit(ctx, "news", 1)
	if err != nil {
		t.Fatal(err)
	}
	read(from, 1)
	writer.publishN(ctx, w, 2)
	read(w.Address(), 5)
	want := map[shm.Address]uint64{from: 1, w.Address(): 5}
	for _, row := range b.f.streamRowsNow() {
		if row.Sequence != want[row.Producer] {
			t.Errorf("%v stands at %d, want %d", row.Producer, row.Sequence, want[row.Producer])
		}
		delete(want, row.Producer)
	}
	if len(want) != 0 {
		t.Errorf("without a row: %v", want)
	}
}

// streamRowsNow are the rows when nothing is put into a ring.
func (f *Forwarder) streamRowsNow() []shm.StreamRow {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.streamRows()
}

// TestWhatIsOver says of which streams rows are let go.
func TestWhatIsOver(t *testing.T) {
	f := &Forwarder{cfg: Config{sweep: sweepTimes{quiet: 60, away: 3600}}}
	here := &mcast.Peer{}
	producer := shm.Address{Node: 7, Index: 3, Generation: 5, Handle: 1} // the epoch of here is 0
	another := producer
	another.Epoch = 1
	later := participant{3, 6}
	view := func(saved uint64, whole bool, lives ...participant) *nodeView {
		v := &nodeView{peer: here, joined: true, whole: whole, lives: map[participant]bool{}}
		v.seen[0], v.saved[0] = 100, saved
		for _, p := range lives {
			v.lives[p] = true
		}
		return v
	}
	type look struct {
		now      mcast.Time
		sequence uint64
		view     *nodeView
		over     bool
	}
	for name, c := range map[string]struct {
		producer shm.Address
		looks    []look
	}{
		"gone, and silent for long":       {producer, []look{{0, 9, view(50, true, later), false}, {59, 9, view(100, true), false}, {60, 9, view(100, true), true}}},
		"it lives":                        {producer, []look{{0, 9, view(100, true, participant{3, 5}), false}, {100, 9, view(100, true, participant{3, 5}), false}}},
		"it was seen since":               {producer, []look{{0, 9, view(100, true), false}, {50, 9, view(100, true, participant{3, 5}), false}, {100, 9, view(100, true), false}, {160, 9, view(100, true), true}}},
		"something came":                  {producer, []look{{0, 9, view(100, true), false}, {50, 10, view(100, true), false}, {100, 10, view(100, true), false}, {110, 10, view(100, true), true}}},
		"a successor would ask for it":    {producer, []look{{0, 9, view(50, true), false}, {100, 9, view(99, true), false}, {101, 9, view(100, true), true}}},
		"not all who live there are told": {producer, []look{{0, 9, view(100, false), false}, {100, 9, view(100, false), false}}},
		"of an epoch that is over":        {another, []look{{0, 9, view(100, false), false}, {60, 9, view(100, false), true}}},
		"its node is away":                {producer, []look{{0, 9, nil, false}, {3599, 9, nil, false}, {3600, 9, nil, true}}},
		"its node was away":               {producer, []look{{0, 9, nil, false}, {3599, 9, view(100, true), false}, {3600, 9, view(100, true), false}, {3659, 9, view(100, true), true}}},
	} {
		s := &sweeper{f: f}
		for _, l := range c.looks {
			silent := map[streamKey]silence{}
			row := shm.StreamRow{Ring: 1, Producer: c.producer, Sequence: l.sequence}
			if over := s.isOver(l.now, row, l.view, silent); over != l.over {
				t.Errorf("%s: at %d over: %v", name, l.now, over)
			}
			s.streams = silent
		}
	}
	unjoined := view(0, true)
	unjoined.joined = false
	s := &sweeper{f: f}
	if silent := map[streamKey]silence{}; s.isOver(0, shm.StreamRow{Producer: producer}, unjoined, silent) || len(silent) != 0 {
		t.Error("of a node whose lanes are not joined")
	}
}
