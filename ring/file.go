package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// FileOptions say how to open a ring by its name.
type FileOptions struct {
	// Shape is what the caller asks for. Zero fields ask for nothing: they are
	// whatever the ring has, or the default if it is made here.
	Shape Shape
	// Write maps the slots for writing; readers do without.
	Write bool
	// Existing makes no ring: fs.ErrNotExist where there is none.
	Existing bool
	// Rights are whose the ring is, and who may publish (write) and read. Zero fields
	// ask for nothing: they are the domain's if the ring is made here. Who may read
	// may write the control file, if he may write in the domain.
	Rights shm.Rights
	// Memory is how the pages of the ring are had here. NUMA counts if it is made here.
	Memory shm.Memory
}

// A File is a ring that has a name: its two segments, mapped. It is safe for
// concurrent use; Close must come after the last Producer, Reader, Member and Hand.
type File struct {
	*Ring
	path     string // without suffix
	ctl, dat *shm.Segment
	groups   groupFiles
}

func newFile(r *Ring, path string, ctl, dat *shm.Segment) *File {
	f := &File{Ring: r, path: path, ctl: ctl, dat: dat}
	r.groupOf = f.groupByEntry
	r.heir = func() (*File, error) { return openHeir(path, r.host) }
	return f
}

// openPatience bounds how long an opener waits for a ring that is being made,
// replaced or removed by somebody else: each takes microseconds of his time.
const openPatience = 2 * time.Second

// sealPatience is how long an opener leaves a sealed ring to whoever sealed it,
// before it finishes the replacement itself.
const sealPatience = 20 * time.Millisecond

// OpenFile opens the ring path.ctl with its data, makes it if it is not there,
// or replaces it if it has another shape than asked for and was never written.
//
// Errors: *ShapeError for a written ring of another shape, *shm.OtherRightsError for
// one of other rights; those of shm.Open and shm.Create, among them
// *shm.NoSpaceError and *shm.AccessError.
func OpenFile(path string, host Host, o FileOptions) (*File, error) {
	want := o.Shape.Default()
	if err := want.Validate(); err != nil {
		return nil, fmt.Errorf("ring %q: %w", path, err)
	}
	for start := time.Now(); ; {
		f, err := openOnce(path, host, o, time.Since(start) > sealPatience)
		if err == nil {
			return f.settle(o.Memory)
		}
		if !retryable(err) {
			return nil, err
		}
		if time.Since(start) > openPatience {
			return nil, fmt.Errorf("ring %q: %w", path, err)
		}
		time.Sleep(100 * time.Microsecond)
	}
}

// settle has the pages of the ring as asked for. Only the slots are large enough for
// huge ones.
func (f *File) settle(m shm.Memory) (*File, error) {
	if m.IsZero() {
		return f, nil
	}
	err := errors.Join(f.dat.Settle(m), f.ctl.Settle(shm.Memory{Prefault: m.Prefault}))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ring %q: %w", f.path, err), f.Close())
	}
	return f, nil
}

// errAgain says that the name has just changed hands.
var errAgain = errors.New("ring is being made or removed")

// errNoData says that a ring's slots are gone: it was removed between the two opens.
// If that goes on, somebody took them from a ring that is in use; it is damaged then.
var errNoData = fmt.Errorf("its slots are gone: %w", errAgain)

func retryable(err error) bool {
	return errors.Is(err, errAgain) || errors.Is(err, fs.ErrExist)
}

// openOnce is one try; finish says that a seal has been there for long enough.
func openOnce(path string, host Host, o FileOptions, finish bool) (*File, error) {
	at("open")
	ctl, err := shm.Open(path+".ctl", layout.SegmentKindRingControl, true)
	var retired *shm.RetiredError
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.Existing:
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return create(path, host, o)
	case errors.As(err, &retired):
		return nil, finishRetired(path, host, o)
	case err != nil:
		return nil, err
	}
	f, err := attachFile(path, host, ctl, o.Write)
	if err != nil {
		if finish && errors.Is(err, errNoData) {
			ctl.Retire(0) // nobody removes the slots before: somebody took them away, or a boot did
		}
		_ = ctl.Close()
		return nil, err
	}
	have := f.Shape()
	other := f.dat.CheckRights(o.Rights)
	switch want := have.overlay(o.Shape); {
	case f.sealed() && !finish:
		return nil, errors.Join(errAgain, f.Close())
	case other != nil && f.written():
		return nil, errors.Join(fmt.Errorf("ring %q: %w", path, other), f.Close())
	case want != have, other != nil, f.sealed():
		return nil, errors.Join(f.reshape(want, o), f.Close())
	}
	return f, nil
}

// overlay returns s with those fields replaced that the other asks for. Who asks for another slot
// size, or history, and not for a number of slots, gets the standard number, where s has that.
func (s Shape) overlay(o Shape) Shape {
	standard := s.Slots == s.standardSlots()
	s.Payload = (orElse(o.Payload, s.Payload) + 63) &^ 63
	s.Mode = orElse(o.Mode, s.Mode)
	s.Kind = orElse(o.Kind, s.Kind)
	s.Purpose = orElse(o.Purpose, s.Purpose)
	s.History = orElse(o.History, s.History)
	s.CommitDeadline = orElse(o.CommitDeadline, s.CommitDeadline)
	s.StallBudget = orElse(o.StallBudget, s.StallBudget)
	if standard {
		s.Slots = s.standardSlots()
	}
	s.Slots = orElse(o.Slots, s.Slots)
	return s
}

// idDigits is how many hexadecimal digits a segment's id has in names.
const idDigits = layout.SegmentIDBits / 4

func dataPath(path string, id uint64) string { return fmt.Sprintf("%s.%0*x.dat", path, idDigits, id) }

// attachFile maps the slots of an open control file.
func attachFile(path string, host Host, ctl *shm.Segment, write bool) (*File, error) {
	g, err := readGeometry(ctl.Bytes())
	if err != nil {
		return nil, &shm.DamagedError{Path: ctl.Path(), Found: err.Error(), Wanted: "a ring's geometry"}
	}
	dat, err := shm.Open(dataPath(path, g.dataID), layout.SegmentKindRingData, write)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNoData
	}
	if err != nil {
		return nil, err
	}
	if dat.ID() != g.dataID {
		_ = dat.Close()
		return nil, &shm.DamagedError{Path: dat.Path(), Found: fmt.Sprintf("id %#x", dat.ID()),
			Wanted: fmt.Sprintf("%#x as its ring says", g.dataID)}
	}
	r, err := Attach(ctl.Bytes(), dat.Bytes(), host)
	if err != nil {
		_ = dat.Close()
		return nil, &shm.DamagedError{Path: dat.Path(), Found: err.Error(), Wanted: "the slots of its ring"}
	}
	return newFile(r, path, ctl, dat), nil
}

// create makes a ring of the shape asked for. The data comes first, under its
// own id; the control file's name makes the ring.
func create(path string, host Host, o FileOptions) (*File, error) {
	f, err := build(path, 0, host, o.Shape.Default(), o)
	if err != nil {
		return nil, err
	}
	f.ctl.SetReady()
	at("link ring")
	if err := f.ctl.Link(); err != nil {
		f.discard()
		return nil, err
	}
	if o.Write {
		return f, nil
	}
	return f.readOnly()
}

// readOnly maps the slots of a ring that a reader has made as every reader does.
func (f *File) readOnly() (*File, error) {
	reader, err := attachFile(f.path, f.host, f.ctl, false)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return reader, f.dat.Close()
}

// build makes both segments; the control file has no name yet. With an id it will
// get the name of a successor, otherwise the ring's.
func build(path string, id uint64, host Host, s Shape, o FileOptions) (*File, error) {
	dat, err := buildData(path, s, o)
	if err != nil {
		return nil, err
	}
	at("data made")
	name := path + ".ctl"
	if id != 0 {
		name = successorPath(path, id)
	}
	ctl, err := shm.Build(shm.Spec{
		Path: name, ID: id, Kind: layout.SegmentKindRingControl, Size: s.controlSize(),
		FixedSize: fixedSize, Rights: o.Rights, Shared: true, Memory: o.Memory,
		Fill: func(b []byte) { putGeometry(b, s, dat.ID()) },
	})
	if err == nil {
		var r *Ring
		if r, err = Attach(ctl.Bytes(), dat.Bytes(), host); err == nil {
			return newFile(r, path, ctl, dat), nil
		}
		_ = ctl.Close()
	}
	_ = os.Remove(dat.Path())
	_ = dat.Close()
	return nil, err
}

func newID() uint64 { return rand.Uint64()>>(64-layout.SegmentIDBits) | 1 }

// buildData makes the data file under the name of its own id.
func buildData(path string, s Shape, o FileOptions) (*shm.Segment, error) {
	id := newID()
	return shm.Create(shm.Spec{
		Path: dataPath(path, id), ID: id, Kind: layout.SegmentKindRingData,
		Size: s.dataSize(), FixedSize: layout.SegmentHeaderSize, Rights: o.Rights, Memory: o.Memory,
	})
}

// ID is the id of the ring's control segment, which changes when the ring is
// replaced.
func (f *File) ID() uint64 { return f.ctl.ID() }

// Retire marks a damaged ring, so that nobody joins it any more.
func (f *File) Retire() {
	if f.ctl.Retire(0) {
		f.wakeReaders()
		f.wakeProducers()
	}
}

// Close unmaps the ring. The last user removes its files, unless a living reader
// was entered that has not followed yet (see Follow): it will be the last; or a queue
// group is there whose members died, or are elsewhere: what it has not done is kept
// for the next.
func (f *File) Close() error {
	f.closeGroups()
	if !f.awaited() {
		return f.remove()
	}
	// Whoever leaves last must find the files unused, so our own lock goes first,
	// and the entries are looked at again after it: a reader may just have left.
	at("close awaited")
	words, err := openControl(f.path+".ctl", f.host)
	err2 := errors.Join(f.ctl.Close(), f.dat.Close())
	if err != nil {
		return err2 // the name leads elsewhere, or nowhere
	}
	defer words.close()
	if words.named() && !words.awaited() {
		err2 = errors.Join(err2, removeUnused(f.path, f.host))
	}
	return err2
}

// remove gives the ring up and removes its files if nobody else uses them.
func (f *File) remove() error {
	grouped, id := f.hasGroups(), f.ctl.ID()
	err := f.ctl.Remove()
	if err == nil {
		at("remove data")
		_ = os.Remove(f.dat.Path())
		if grouped {
			removeGroups(f.path, id)
		}
	}
	if errors.Is(err, shm.ErrInUse) {
		err = nil
	}
	return errors.Join(err, f.ctl.Close(), f.dat.Close())
}

// removeUnused removes the ring of that name if it is there and nobody uses it.
func removeUnused(path string, host Host) error {
	f, err := openExisting(path, host)
	if err != nil {
		return nil // gone, or about to go
	}
	return f.remove()
}

// awaited reports whether a living participant has an entry here, or a queue group
// that its members have not left.
func (r *Ring) awaited() bool {
	for i := range r.used() {
		w := entryWord(r.entries[i].state.Load()) // pairs(entry)
		if w.state() == entryFree || w.state() == entryLeaving {
			continue
		}
		if w.participant() == nobody || r.host.Alive(w.participant()) {
			return true
		}
	}
	return false
}
