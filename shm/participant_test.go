package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
)

func TestJoinAndLeave(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	changes := d.Changes()
	p := joinTest(t, d, "pump")
	if p.Index() != 0 || p.Generation() != 1 || !d.Alive(0) {
		t.Errorf("index %d, generation %d, alive %v", p.Index(), p.Generation(), d.Alive(0))
	}
	node, epoch := d.Node()
	if want := (Address{Node: node, Epoch: epoch, Index: 0, Generation: 1}); p.Address() != want {
		t.Errorf("address = %v, want %v", p.Address(), want)
	}
	if g, live := d.State(0); g != 1 || !live {
		t.Errorf("state = %d, %v", g, live)
	}
	if d.Changes() == changes {
		t.Error("joining is no change")
	}
	changes = d.Changes()
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	if g, live := d.State(0); g != 2 || live || d.Alive(0) || d.Changes() == changes {
		t.Errorf("after leaving: generation %d, live %v, alive %v", g, live, d.Alive(0))
	}
	if left := filesIn(t, d.path("live")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	mustError(t, p.SetInfo(Info{}), ErrClosed)
	if q := joinTest(t, d, "next"); q.Index() != 0 || q.Generation() != 2 {
		t.Errorf("index %d, generation %d used again", q.Index(), q.Generation())
	}
}

func TestIndicesThatThereAreNot(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	const beyond = 60000
	if g, live := d.State(beyond); g != 0 || live || d.Alive(beyond) {
		t.Error("a participant beyond the table")
	}
	d.Bell(beyond).Ring()
	if err := d.Free(beyond, 0); err != nil {
		t.Error(err)
	}
	if _, ok := d.Row(beyond); ok {
		t.Error("a row beyond the table")
	}
}

// Two domains opened in one process are two participants: the locks belong to
// the descriptions.
func TestTwoDomainsInOneProcess(t *testing.T) {
	base := testBase(t)
	d1, d2 := openTestDomain(t, base), openTestDomain(t, base)
	p1, p2 := joinTest(t, d1, "one"), joinTest(t, d2, "two")
	if p1.Index() == p2.Index() {
		t.Fatal("both have the same index")
	}
	for _, d := range []*Domain{d1, d2} {
		if !d.Alive(p1.Index()) || !d.Alive(p2.Index()) || d.Alive(2) {
			t.Error("Alive is wrong")
		}
	}
	if err := p1.Close(); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*Domain{d1, d2} {
		if d.Alive(p1.Index()) || !d.Alive(p2.Index()) {
			t.Error("closing one ended the other, or did not end it")
		}
	}
	if p3 := joinTest(t, d2, "three"); p3.Index() != p1.Index() || !d1.Alive(p3.Index()) {
		t.Errorf("index = %d", p3.Index())
	}
}

func TestDomainCloseLeaves(t *testing.T) {
	base := testBase(t)
	d, err := OpenDomain(&Config{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Join(Info{Name: "forgotten"}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil {
		t.Fatal(err)
	}
	if rows, err := openTestDomain(t, base).Participants(); err != nil || len(rows) != 0 {
		t.Errorf("rows = %+v, %v", rows, err)
	}
	_, err = d.Participants()
	mustError(t, err, ErrClosed)
}

// A full table is an error; who leaves makes room; the dead make none until
// they are freed.
func TestTooManyParticipants(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	for i := range d.ParticipantCount() { // as the dead: LIVE, and nobody holds the lock
		if i != 5 {
			d.table.record(uint16(i)).state().Store(stateWord(9, layout.ParticipantStateLive))
		}
	}
	p := joinTest(t, d, "the last")
	if p.Index() != 5 {
		t.Errorf("index = %d", p.Index())
	}
	_, err := d.Join(Info{})
	mustError(t, err, ErrTooManyParticipants)
	if n := len(d.Dead()); n != d.ParticipantCount()-1 {
		t.Errorf("%d dead", n)
	}
	if err := d.Free(7, 9); err != nil {
		t.Fatal(err)
	}
	if q := joinTest(t, d, "one more"); q.Index() != 7 || q.Generation() != 10 {
		t.Errorf("index %d, generation %d", q.Index(), q.Generation())
	}
}

func TestGenerationNeverZero(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	d.table.record(0).state().Store(stateWord(1<<32-1, layout.ParticipantStateFree))
	p := joinTest(t, d, "last of its line")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if g, _ := d.State(0); g != 1 {
		t.Errorf("generation after 2^32-1 = %d", g)
	}
}

func someInfo(interests int) Info {
	info := Info{Name: "pump", Version: "1.2", Language: layout.LanguageJava, Services: []Service{{Name: "pricing", Limit: 8, Room: 3}}}
	for i := range interests {
		info.Interests = append(info.Interests, Interest{Name: fmt.Sprintf("orders.region%d.>", i), Pattern: true})
	}
	return info
}

// Infos of every size arrive as they were said: in the record, and where that
// has no room, in a file beside it.
func TestInfo(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	p, err := d.Join(Info{Name: "pump", Language: layout.LanguageJava})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, n := range []int{0, 3, 2000, 1, 500, 600, 0} {
		want := someInfo(n)
		if err := p.SetInfo(want); err != nil {
			t.Fatal(err)
		}
		row, ok := d.Row(0)
		if !ok || row.Err != nil || !reflect.DeepEqual(row.Info, want) {
			t.Fatalf("%d interests: %v, %v, %d interests read", n, ok, row.Err, len(row.Info.Interests))
		}
		large := len(table.AppendParticipantInfo(nil, &table.ParticipantInfo{Name: want.Name, Version: want.Version,
			Interests: want.Interests, Services: want.Services})) > layout.ParticipantInfoCapacity
		if _, err := os.Lstat(d.infoPath(0)); large != (err == nil) {
			t.Errorf("%d interests: file of a large info: %v", n, err)
		}
	}
	mustError(t, p.SetInfo(someInfo(50000)), ErrTooLarge)
	if row, _ := d.Row(0); row.Err != nil || len(row.Info.Interests) != 0 {
		t.Errorf("an info that was refused did something: %v", row.Err)
	}
}

func TestRow(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	p := joinTest(t, d, "pump")
	p.SetInbox(true)
	row, ok := d.Row(p.Index())
	if !ok || row.PID != uint32(os.Getpid()) || row.UID != uint32(os.Geteuid()) || !row.Inbox || !row.Alive ||
		row.Info.Language != layout.LanguageGo || row.Started.IsZero() {
		t.Errorf("row = %+v", row)
	}
	p.SetInbox(false)
	if row, _ = d.Row(p.Index()); row.Inbox || row.Info.Language != layout.LanguageGo {
		t.Errorf("row = %+v", row)
	}
}

// What one participant scribbles over its record costs its own row, and nobody else's.
func TestScribbledInfo(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	joinTest(t, d, "bad")
	joinTest(t, d, "good")
	r := d.table.record(0)
	for name, scribble := range map[string]func(){
		"size beyond the record": func() { r.infoSize().Store(1 << 30) },
		"size 0":                 func() { r.infoSize().Store(0) },
		"a place there is not":   func() { r.infoPlace().Store(9) },
		"a file there is not":    func() { r.infoPlace().Store(1) },
		"bytes of noise": func() {
			r.infoSize().Store(64)
			storeWords(r.b, layout.ParticipantRecordSize, []byte(strings.Repeat("\xff\x7f", 32)))
		},
		"a version that stays odd": func() { r.infoVersion().Store(7) },
		"a name that is no name": func() {
			b := table.AppendParticipantInfo(nil, &table.ParticipantInfo{Services: []table.Service{{Name: "../../etc"}}})
			r.infoSize().Store(uint32(len(b)))
			storeWords(r.b, layout.ParticipantRecordSize, b)
		},
	} {
		r.infoPlace().Store(0)
		r.infoVersion().Store(4)
		scribble()
		rows, err := d.Participants()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%s: %d rows, %v", name, len(rows), err)
		}
		if rows[0].Err == nil || !reflect.DeepEqual(rows[0].Info, Info{}) {
			t.Errorf("%s: %+v", name, rows[0])
		}
		if rows[1].Err != nil || rows[1].Info.Name != "good" {
			t.Errorf("%s: the other row: %+v", name, rows[1])
		}
	}
}

// A reader of infos never gets one that is a mixture of two.
func TestInfoIsWholeWhileWritten(t *testing.T) {
	base := testBase(t)
	d, reader := openTestDomain(t, base), openTestDomain(t, base)
	p := joinTest(t, d, "writer")
	stop, done := make(chan struct{}), make(chan error)
	go func() {
		var err error
		for i := 0; err == nil; i++ {
			info := Info{Name: fmt.Sprint(i % 10)}
			for range 1 + i%150 {
				info.Interests = append(info.Interests, Interest{Name: fmt.Sprint("topic.of.", i%10)})
			}
			err = p.SetInfo(info)
			select {
			case <-stop:
				done <- err
				return
			default:
			}
		}
		done <- err
	}()
	read := 0
	for range 3000 {
		row, ok := reader.Row(p.Index())
		if !ok || row.Err != nil {
			if !errors.Is(row.Err, ErrUnfinished) && !errors.Is(row.Err, fs.ErrNotExist) {
				t.Fatalf("row: %v, %v", ok, row.Err)
			}
			continue
		}
		read++
		for _, i := range row.Info.Interests {
			if i.Name != "topic.of."+row.Info.Name {
				t.Fatalf("info of %s holds %s", row.Info.Name, i.Name)
			}
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if read == 0 {
		t.Error("the writer never let the reader read")
	}
}
