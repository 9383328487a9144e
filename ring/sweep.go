package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// ringFolders are the folders of a domain that hold rings.
var ringFolders = []string{"topics", "services", "inbox"}

// A RightsError says that rings could not be recovered, mostly for want of rights.
// The dead participant's index stays unusable until somebody comes who can.
type RightsError struct {
	Participant uint16
	Rings       int   // how many could not be opened
	First       error // why the first could not
}

func (e *RightsError) Error() string {
	rings := "rings"
	if e.Rings == 1 {
		rings = "ring"
	}
	return fmt.Sprintf("recover participant %d: %d %s could not be opened, so its index stays unusable until somebody "+
		"who may open them joins, such as ringcastd run as root: %v", e.Participant, e.Rings, rings, e.First)
}

// Unwrap returns why the first ring could not be opened.
func (e *RightsError) Unwrap() error { return e.First }

// Sweep recovers every participant of the domain that has died, and removes what
// dead makers of rings left. It returns how many records it made free. Any number
// of processes may do it at once, at any time; it never waits for one of them.
// A system call for each living participant, and some for each ring if one is dead.
func Sweep(d *shm.Domain) (int, error) {
	var errs []error
	freed := 0
	for i := range d.ParticipantCount() {
		index := uint16(i)
		generation, live := d.State(index)
		if !live || d.Alive(index) {
			continue
		}
		if err := RecoverParticipant(d, index, generation); err != nil {
			errs = append(errs, err)
			continue
		}
		freed++
	}
	if d.Made() {
		sweepUnused(d)
	}
	if freed > 0 || d.Made() {
		sweepLitter(d)
	}
	return freed, errors.Join(errs...)
}

// RecoverParticipant takes back everything that the dead participant of that
// index and generation held in any ring of the domain, then makes its record
// free. If it was done already, all is well. It takes no lock: a cleaner that
// is stopped or killed here stops nobody, and the next one does it all again.
//
// Errors: shm.ErrAlive; a *RightsError, after which the index stays unusable;
// those of the file system. Damaged files and those of another version hold
// nothing that a participant of this domain could have claimed: they are passed over.
func RecoverParticipant(d *shm.Domain, index uint16, generation uint32) error {
	if g, live := d.State(index); !live || g != generation {
		return nil
	}
	if d.Alive(index) { // after the load: the lock may be the next one's
		return fmt.Errorf("recover participant %d: %w", index, shm.ErrAlive)
	}
	at("sweep")
	c := cleaner{host: cleanerHost{participantHost{d, noIndex}}, index: index}
	for _, folder := range ringFolders {
		if err := c.folder(filepath.Join(d.Dir(), folder)); err != nil {
			if g, live := d.State(index); !live || g != generation {
				return nil // another cleaner was faster, and the index has a new owner
			}
			return err
		}
	}
	if c.refused > 0 {
		return &RightsError{Participant: index, Rings: c.refused, First: c.first}
	}
	at("sweep record")
	return d.Free(index, generation)
}

// A cleaner recovers one participant, ring after ring.
type cleaner struct {
	host    cleanerHost
	index   uint16
	refused int
	first   error
}

// folder recovers all rings of a folder, which need not be there.
func (c *cleaner) folder(dir string) error {
	names, err := controlFiles(dir)
	if err != nil {
		return fmt.Errorf("recover participant %d: %w", c.index, err)
	}
	for _, name := range names {
		f, err := openExisting(filepath.Join(dir, name), c.host)
		if err != nil {
			c.refuse(err)
			continue
		}
		at("sweep ring")
		alive := !f.Recover(c.index)
		if !alive && f.hasGroups() {
			dies, err := f.recoverGroups(c.index)
			if alive = !dies; err != nil {
				c.refuse(err)
			}
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("recover participant %d: %w", c.index, err)
		}
		if alive {
			return fmt.Errorf("recover participant %d: %w", c.index, shm.ErrAlive)
		}
	}
	return nil
}

// refuse counts a ring that could not be looked at. One that is gone, was given up
// or is nobody's can hold nothing of ours; behind any other error (no rights, no
// descriptors, no memory, a remover in mid-work) there may be claims.
func (c *cleaner) refuse(err error) {
	var notOurs *shm.NotOursError
	var version *shm.VersionError
	var damaged *shm.DamagedError
	var retired *shm.RetiredError
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errAgain) || errors.As(err, &notOurs) ||
		errors.As(err, &version) || errors.As(err, &damaged) || errors.As(err, &retired) {
		return
	}
	c.refused++
	if c.first == nil {
		c.first = err
	}
}

// controlFiles lists the rings of a folder, without suffix.
func controlFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".ctl"); ok {
			names = append(names, name)
		}
	}
	return names, nil
}

// openExisting opens a ring as it is, for recovery: it neither makes nor replaces one.
func openExisting(path string, host Host) (*File, error) {
	ctl, err := shm.Open(path+".ctl", layout.SegmentKindRingControl, true)
	if err != nil {
		return nil, err
	}
	f, err := attachFile(path, host, ctl, false)
	if err != nil {
		_ = ctl.Close()
	}
	return f, err
}

// sweepUnused removes rings that nobody uses, where a domain was just made: their
// users were those of an earlier boot, or of a table that somebody removed.
func sweepUnused(d *shm.Domain) {
	host := cleanerHost{participantHost{d, noIndex}}
	for _, folder := range ringFolders {
		dir := filepath.Join(d.Dir(), folder)
		names, _ := controlFiles(dir)
		for _, name := range names {
			_ = removeUnused(filepath.Join(dir, name), host)
		}
	}
}

// sweepLitter removes files that a maker of a ring had named when it died, before
// any ring bore their id. Whoever is still making one holds its usage lock.
func sweepLitter(d *shm.Domain) {
	for _, folder := range ringFolders {
		dir := filepath.Join(d.Dir(), folder)
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		for _, e := range entries {
			if ring, kind, ok := litterName(e.Name()); ok {
				removeLitter(dir, ring, e.Name(), kind)
			}
		}
	}
}

// litterName takes apart the names that only makers give: NAME.ID.dat, NAME.ID.G.group,
// and NAME.ctl.ID of a successor that has not taken NAME.ctl yet.
func litterName(file string) (ring string, kind uint32, ok bool) {
	if base, found := strings.CutSuffix(file, groupSuffix); found {
		rest, _ := cutLast(base)
		ring, id := cutLast(rest)
		return ring, layout.SegmentKindRingGroup, len(id) == idDigits && ring != ""
	}
	if base, found := strings.CutSuffix(file, ".dat"); found {
		ring, id := cutLast(base)
		return ring, layout.SegmentKindRingData, len(id) == idDigits && ring != ""
	}
	base, id := cutLast(file)
	ring, found := strings.CutSuffix(base, ".ctl")
	return ring, layout.SegmentKindRingControl, found && len(id) == idDigits && ring != ""
}

func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// removeLitter removes the file if its ring does not name it and nobody uses it.
func removeLitter(dir, ring, file string, kind uint32) {
	path := filepath.Join(dir, file)
	if kind != layout.SegmentKindRingControl && namedBy(filepath.Join(dir, ring), path) {
		return
	}
	s, err := shm.Open(path, kind, true)
	if err != nil {
		return // gone, in use, without rights, or nobody's
	}
	at("sweep litter")
	_ = s.Remove() // in use: left to its users
	_ = s.Close()
}

// namedBy reports whether the ring that has the name says that its file is there,
// or may say so: a ring that cannot be read keeps its files.
func namedBy(ringPath, file string) bool {
	ctl, err := shm.Open(ringPath+".ctl", layout.SegmentKindRingControl, false)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer ctl.Close()
	g, err := readGeometry(ctl.Bytes())
	return err != nil || dataPath(ringPath, g.dataID) == file ||
		strings.HasPrefix(file, fmt.Sprintf("%s.%0*x.", ringPath, idDigits, ctl.ID()))
}
