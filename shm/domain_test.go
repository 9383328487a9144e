package shm

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/ringcast/ringcast/codec/layout"
	"golang.org/x/sys/unix"
)

func TestOpenDomainMakesItOnce(t *testing.T) {
	base := testBase(t)
	var wg sync.WaitGroup
	nodes := make([][2]uint32, 12)
	for i := range nodes {
		wg.Go(func() {
			d, err := OpenDomain(&Config{Base: base, Domain: "plant.a"})
			if err != nil {
				t.Error(err)
				return
			}
			nodes[i][0], nodes[i][1] = d.Node()
			if err := d.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, n := range nodes {
		if n != nodes[0] || n[0] == 0 || n[1] == 0 {
			t.Errorf("nodes and epochs = %v", nodes)
			break
		}
	}
	dir := filepath.Join(base, "plant.a")
	want := []string{"counters", "directory", "inbox", "live", "node", "participants", "services", "topics"}
	if got := filesIn(t, dir); !slices.Equal(got, want) {
		t.Errorf("files = %v, want %v", got, want)
	}
	if got := filesIn(t, base); len(got) != 1 {
		t.Errorf("left beside the domain: %v", got)
	}
}

// An empty domain takes little of /dev/shm; with a forwarder it stays below 8 MB.
func TestSizeOfAnEmptyDomain(t *testing.T) {
	d := openTestDomain(t, testBase(t))
	empty := usage(t, d.Dir())
	seat, err := d.ClaimForwarder(joinTest(t, d, "forwarder"))
	if err != nil {
		t.Fatal(err)
	}
	defer seat.Close()
	all := usage(t, d.Dir())
	t.Logf("empty domain: %d bytes; with a forwarder: %d", empty, all)
	if empty > 6<<20 || all > 8_000_000 {
		t.Errorf("empty %d, with a forwarder %d bytes", empty, all)
	}
}

// usage adds up the blocks of the files below a directory.
func usage(t *testing.T, dir string) (bytes int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		var st unix.Stat_t
		if err == nil {
			err = unix.Lstat(path, &st)
		}
		bytes += st.Blocks * 512
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func TestUnknownDomain(t *testing.T) {
	base := testBase(t)
	for _, name := range []string{"plant", "office"} {
		d, err := OpenDomain(&Config{Base: base, Domain: name})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Close()
	}
	_, err := AttachDomain(&Config{Base: base, Domain: "plont"})
	mustError(t, err, ErrNoDomain, "plont", base, "office, plant")
	mustError(t, err, fs.ErrNotExist)
	if _, err := os.Lstat(filepath.Join(base, "plont")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("looking made the domain")
	}
	_, err = AttachDomain(&Config{Base: filepath.Join(base, "nowhere")})
	mustError(t, err, ErrNoDomain, "none")
	if got, err := Domains(base); err != nil || !slices.Equal(got, []string{"office", "plant"}) {
		t.Errorf("Domains = %v, %v", got, err)
	}
}

func TestAttachDomain(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	p := joinTest(t, d, "seen")
	for _, readOnly := range []bool{false, true} {
		a, err := AttachDomain(&Config{Base: base, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := a.Participants()
		if err != nil || len(rows) != 1 || rows[0].Info.Name != "seen" || !rows[0].Alive || rows[0].Address != p.Address() {
			t.Errorf("rows = %+v, %v", rows, err)
		}
		if readOnly {
			_, err := a.Join(Info{})
			mustError(t, err, ErrReadOnly)
			mustError(t, a.Free(0, 1), ErrReadOnly)
			a.Bell(0).Ring() // nobody hears it, nothing faults
			_, err = a.ClaimForwarder(p)
			mustError(t, err, ErrReadOnly)
			if _, ok := a.LockCleaner(); ok {
				t.Error("a reader cleans")
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	if d, err := OpenDomain(&Config{Base: base, ReadOnly: true}); err != nil || !d.ReadOnly() {
		t.Errorf("OpenDomain to read: %v", err)
	}
}

func TestBadDomainNames(t *testing.T) {
	base := testBase(t)
	for _, name := range []string{"..", "a/b", "$sys", "a..b", "ä", "*", strings.Repeat("x", 201)} {
		if _, err := OpenDomain(&Config{Base: base, Domain: name}); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := filesIn(t, base); len(got) != 0 {
		t.Errorf("made %v", got)
	}
}

// Somebody without rights: the error says so, and what to do.
func TestUnwritableDirectory(t *testing.T) {
	base := testBase(t)
	if err := os.Chmod(base, 0o555); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // so that nobody can reach it at all
		base = filepath.Join(base, "below")
		if err := os.Mkdir(base, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	c := startChild(t, "unwritable", base)
	got := c.line()
	for _, want := range []string{"true ", base, "permission denied", "--shm-dir", BaseVariable} {
		if !strings.Contains(got, want) {
			t.Errorf("child says %q, want %q in it", got, want)
		}
	}
}

func TestBaseIsNoDirectory(t *testing.T) {
	base := filepath.Join(testBase(t), "file")
	if err := os.WriteFile(base, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	domain := filepath.Join(testBase(t), "domain")
	if err := os.MkdirAll(domain, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(domain, DefaultDomain), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ base, file string }{{base, base}, {domain, filepath.Join(domain, DefaultDomain)}} {
		for _, readOnly := range []bool{false, true} {
			_, err := OpenDomain(&Config{Base: c.base, ReadOnly: readOnly})
			mustError(t, err, unix.ENOTDIR, c.file)
			var notOurs *NotOursError
			if !errors.As(err, &notOurs) || notOurs.Path != c.file || !strings.Contains(err.Error(), "--shm-dir") {
				t.Errorf("read-only %t: %v, want a NotOursError of %s with what helps", readOnly, err, c.file)
			}
		}
	}
}

// TestBaseThatTakesNoFiles is one in which the system refuses every name.
func TestBaseThatTakesNoFiles(t *testing.T) {
	_, err := OpenDomain(&Config{Base: "/proc"})
	if err == nil || !strings.Contains(err.Error(), "--shm-dir") {
		t.Errorf("%v, want an error that says what helps", err)
	}
}

// TestHalfMadeDomain is what stays where there was no space for all of it: who only looks is told.
func TestHalfMadeDomain(t *testing.T) {
	base := testBase(t)
	d, err := OpenDomain(&Config{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(base, DefaultDomain, participantsFile)); err != nil {
		t.Fatal(err)
	}
	_, err = AttachDomain(&Config{Base: base, ReadOnly: true})
	mustError(t, err, fs.ErrNotExist, "half made")
	if d, err = OpenDomain(&Config{Base: base}); err != nil {
		t.Fatalf("who takes part: %v, want the rest to be made", err)
	}
	_ = d.Close()
}

func TestBaseIsMadeWithItsParents(t *testing.T) {
	base := filepath.Join(testBase(t), "not", "there", "yet")
	d, err := OpenDomain(&Config{Base: base})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Dir() != filepath.Join(base, DefaultDomain) || d.Name() != DefaultDomain {
		t.Errorf("domain %q in %q", d.Name(), d.Dir())
	}
}

// The system segments are checked as all are.
func TestDomainOfAnotherVersion(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	path := d.path(participantsFile)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put16(b, layout.SegmentHeaderMajorOffset, 2)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenDomain(&Config{Base: base})
	var version *VersionError
	if !errors.As(err, &version) || version.Path != path {
		t.Errorf("error = %v", err)
	}
}

// A checksum is no proof of sense: a geometry that does not fit is damage.
func TestForgedGeometry(t *testing.T) {
	for name, forge := range map[string]struct {
		file  string
		off   int
		value uint32
	}{
		"too many records":      {participantsFile, layout.ParticipantsHeaderRecordCountOffset, 1 << 20},
		"no records":            {participantsFile, layout.ParticipantsHeaderRecordCountOffset, 0},
		"records too small":     {participantsFile, layout.ParticipantsHeaderRecordStrideOffset, 64},
		"records misaligned":    {participantsFile, layout.ParticipantsHeaderRecordStrideOffset, 4097},
		"records in the header": {participantsFile, layout.ParticipantsHeaderRecordsStartOffset, 64},
		"area beyond the file":  {directoryFile, layout.DirectoryHeaderAreaSizeOffset, 1 << 30},
		"area misaligned":       {directoryFile, layout.DirectoryHeaderAreaStartOffset, 257},
		"node 0":                {nodeFile, layout.NodeRecordNodeOffset, 0},
		"epoch 0":               {nodeFile, layout.NodeRecordEpochOffset, 0},
	} {
		base := testBase(t)
		d := openTestDomain(t, base)
		path := d.path(forge.file)
		_ = d.Close()
		forgeFile(t, path, layout.SegmentHeaderSize+forge.off, forge.value)
		_, err := OpenDomain(&Config{Base: base})
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Path != path {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// forgeFile changes a word of a segment and makes its checksum right.
func forgeFile(t *testing.T, path string, off int, value uint32) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put32(b, off, value)
	sum(b)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestNodeIDs(t *testing.T) {
	base := testBase(t)
	open := func(domain string, node uint32) (*Domain, error) {
		d, err := OpenDomain(&Config{Base: base, Domain: domain, Node: node})
		if err == nil {
			t.Cleanup(func() { _ = d.Close() })
		}
		return d, err
	}
	a, err1 := open("a", 0)
	b, err2 := open("b", 0)
	c, err3 := open("c", 77)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	idA, epochA := a.Node()
	idB, epochB := b.Node()
	if idC, _ := c.Node(); idA == idB || epochA == epochB || idC != 77 {
		t.Errorf("nodes %d, %d, %d; epochs %d, %d", idA, idB, idC, epochA, epochB)
	}
	if again, err := open("a", idA); err != nil {
		t.Error(err)
	} else if id, epoch := again.Node(); id != idA || epoch != epochA {
		t.Errorf("the same directory is node %d, epoch %d", id, epoch)
	}
	_, err := open("c", 78)
	var node *NodeError
	if !errors.As(err, &node) || node.Found != 77 || node.Wanted != 78 {
		t.Errorf("another id: %v", err)
	}
	if makeNodeID("m", "/a", 1) == makeNodeID("m", "/b", 1) || makeNodeID("m", "/a", 1) == makeNodeID("m", "/a", 2) {
		t.Error("the node id does not depend on directory and chance")
	}
}

// A directory of another boot: everything is made anew, under a new epoch, and
// those who died with the machine are gone.
func TestDirectoryOfAnEarlierBoot(t *testing.T) {
	base := testBase(t)
	d := openTestDomain(t, base)
	p := joinTest(t, d, "before")
	p.Doorbell().Ring()
	_, before := d.Node()
	files := []string{d.path(nodeFile), d.path(participantsFile), d.path(directoryFile)}
	crash(t, d, p)
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put64(b, layout.SegmentHeaderBootHashOffset, bootHash()+1)
		sum(b)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := AttachDomain(&Config{Base: base, ReadOnly: true}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading a directory of an earlier boot: %v", err)
	}
	d = openTestDomain(t, base)
	if _, after := d.Node(); after == before {
		t.Error("the epoch is the old one")
	}
	if rows, err := d.Participants(); err != nil || len(rows) != 0 {
		t.Errorf("participants of an earlier boot: %+v, %v", rows, err)
	}
	if q := joinTest(t, d, "after"); q.Index() != 0 {
		t.Errorf("index = %d", q.Index())
	}
}

// crash drops a domain and a participant as the death of the process does.
func crash(t *testing.T, d *Domain, p *Participant) {
	t.Helper()
	d.dropJoined(p)
	p.mu.Lock()
	p.closed = true
	p.release()
	if p.counters != nil {
		_ = p.counters.Close()
	}
	p.mu.Unlock()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPlaceByRule(t *testing.T) {
	t.Setenv(BaseVariable, "")
	uid := strconv.Itoa(os.Geteuid())
	p, err := placeOf(&Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := privateBase + uid
	if gid, err := groupID(sharedGroup); uid == "0" || err == nil && inGroup(gid) {
		want = sharedBase
	}
	if p.base != want || !p.byRule {
		t.Errorf("base = %q, want %q", p.base, want)
	}
	t.Setenv(BaseVariable, "/tmp/from/environment")
	if p, _ = placeOf(&Config{}); p.base != "/tmp/from/environment" || p.byRule {
		t.Errorf("base = %q", p.base)
	}
	if p, _ = placeOf(&Config{Base: "/tmp/from/configuration"}); p.base != "/tmp/from/configuration" {
		t.Errorf("base = %q", p.base)
	}
	if _, err = placeOf(&Config{Group: "no-such-group"}); err == nil {
		t.Error("an unknown group is no error")
	}
}

// A base by rule that a stranger prepared is refused: /dev/shm is everybody's.
func TestForeignBaseIsRefused(t *testing.T) {
	base := testBase(t)
	at := func(name string) string { return filepath.Join(base, name) }
	if err := errors.Join(os.Mkdir(at("open"), 0o700), os.Chmod(at("open"), 0o777), os.Mkdir(at("ours"), 0o700),
		os.Symlink(at("ours"), at("link")), os.WriteFile(at("file"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{"ours": true, "open": false, "link": false, "file": false} {
		p := place{base: at(name), byRule: true, members: keep, grant: grant{0o600, keep, keep}, asked: grant{0, keep, keep}}
		if err := p.checkBase(); (err == nil) != ok || err != nil && !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A base that somebody named may be a link; it is one domain under both names.
func TestBaseIsALink(t *testing.T) {
	base := testBase(t)
	link := filepath.Join(base, "link")
	if err := errors.Join(os.Mkdir(filepath.Join(base, "real"), 0o700), os.Symlink("real", link)); err != nil {
		t.Fatal(err)
	}
	a, b := openTestDomain(t, link), openTestDomain(t, filepath.Join(base, "real"))
	na, ea := a.Node()
	nb, eb := b.Node()
	if na != nb || ea != eb || a.Dir() != b.Dir() {
		t.Errorf("node %d-%x in %s and %d-%x in %s", na, ea, a.Dir(), nb, eb, b.Dir())
	}
}

// A domain that a stranger prepared is not attached to either.
func TestForeignBaseIsNotAttachedTo(t *testing.T) {
	base := testBase(t)
	openTestDomain(t, base)
	p := place{base: base, byRule: true, members: keep, grant: grant{0o600, keep, keep}, asked: grant{0, keep, keep}}
	c := Config{Domain: DefaultDomain, ReadOnly: true}
	d, err := p.attach(&c)
	if err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if err := os.Chmod(base, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = p.attach(&c)
	mustError(t, err, fs.ErrPermission, base)
}

func TestModesOfFiles(t *testing.T) {
	base := testBase(t)
	if err := os.Chmod(base, 0o711); err != nil { // others must get to the domain
		t.Fatal(err)
	}
	d, err := OpenDomain(&Config{Base: base, Mode: 0o640})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	p := joinTest(t, d, "p")
	if _, err := d.Counters(p); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fs.FileMode{
		d.Dir(): 0o750, d.path("live"): 0o750, d.path(nodeFile): 0o640, d.path(participantsFile): 0o640,
		d.bellPath(0): 0o640, d.countersPath(0): 0o640,
	} {
		if st, err := os.Lstat(path); err != nil || st.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v, %v", path, st.Mode(), want, err)
		}
	}
}
