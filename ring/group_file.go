package ring

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/shm"
)

// groupFiles are the groups of a ring that this mapping of it has opened. They are
// closed with it.
type groupFiles struct {
	mu      sync.Mutex
	open    map[string]*groupFile
	vainly  time.Duration // when a group's file was last looked for and not found
	looking bool
}

// A groupFile is a group whose words are mapped.
type groupFile struct {
	*group
	segment *shm.Segment
}

const groupSuffix = ".group"

// groupPath is the file of a group of the ring with that id.
func groupPath(path string, ringID uint64, name string) string {
	return fmt.Sprintf("%s.%0*x.%s%s", path, idDigits, ringID, name, groupSuffix)
}

// openGroup maps a group, makes it if it is not there, and sees to its entry.
func (f *File) openGroup(name string, fromStart bool) (*group, error) {
	f.groups.mu.Lock()
	defer f.groups.mu.Unlock()
	if g := f.groups.open[name]; g != nil {
		return g.group, nil
	}
	path := groupPath(f.path, f.ctl.ID(), name)
	for start := time.Now(); ; time.Sleep(100 * time.Microsecond) {
		g, err := f.mapGroup(path)
		if errors.Is(err, fs.ErrNotExist) {
			g, err = f.makeGroup(path)
		}
		switch {
		case err == nil:
			return f.keepGroup(name, g, fromStart)
		case !errors.Is(err, fs.ErrExist) || time.Since(start) > openPatience:
			return nil, fmt.Errorf("group %q: %w", name, err)
		}
	}
}

// keepGroup settles a mapped group and remembers it.
func (f *File) keepGroup(name string, g *groupFile, fromStart bool) (*group, error) {
	if err := g.settle(nameHash(name), fromStart); err != nil {
		return nil, errors.Join(fmt.Errorf("group %q: %w", name, err), g.segment.Close())
	}
	if f.groups.open == nil {
		f.groups.open = make(map[string]*groupFile)
	}
	f.groups.open[name] = g
	return g.group, nil
}

// mapGroup opens a group's file.
func (f *File) mapGroup(path string) (*groupFile, error) {
	s, err := shm.Open(path, layout.SegmentKindRingGroup, true)
	if err != nil {
		return nil, err
	}
	g, err := attachGroup(f.Ring, s.Bytes(), f.ctl.ID())
	if err != nil {
		_ = s.Close()
		return nil, &shm.DamagedError{Path: path, Found: err.Error(), Wanted: "a group"}
	}
	return &groupFile{g, s}, nil
}

// makeGroup makes a group's file, with the rights of its ring's.
func (f *File) makeGroup(path string) (*groupFile, error) {
	spec := shm.Spec{
		Path: path, Kind: layout.SegmentKindRingGroup, Size: f.shape.groupSize(), FixedSize: groupFixedSize,
		Shared: true, Fill: func(b []byte) { putGroup(b, f.shape, f.ctl.ID()) },
	}
	rights, err := shm.RightsOf(f.ctl.Path())
	if err == nil {
		rights.Owner = "" // ours
		spec.Rights = rights
	}
	s, err := shm.Create(spec)
	if errors.Is(err, fs.ErrPermission) { // no member of the ring's user group: as the directory has it
		spec.Rights.Group = ""
		s, err = shm.Create(spec)
	}
	if err != nil {
		return nil, err
	}
	g, err := attachGroup(f.Ring, s.Bytes(), f.ctl.ID())
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return &groupFile{g, s}, nil
}

// groupByEntry is the group whose entry that is, for a producer that it holds back.
// It opens the group's file if nobody here has it open; nil if it can't.
func (f *File) groupByEntry(i int) *group {
	f.groups.mu.Lock()
	defer f.groups.mu.Unlock()
	for _, g := range f.groups.open {
		if g.entry == i {
			return g.group
		}
	}
	now := f.now()
	if f.groups.looking && now-f.groups.vainly < deadCheck {
		return nil
	}
	f.groups.looking, f.groups.vainly = true, now
	var found *group
	for name, path := range groupPaths(f.path, f.ctl.ID()) {
		if f.groups.open[name] != nil {
			continue
		}
		g, err := f.mapGroup(path)
		if err != nil {
			continue
		}
		if !g.finishEntry(g.head.gate.Load()) {
			_ = g.segment.Close()
			continue
		}
		// All are kept: a group whose file is never found must not take the others' turn.
		if g, err := f.keepGroup(name, g, false); err == nil && g.entry == i {
			found = g
		}
	}
	return found
}

// closeGroups unmaps the groups; their Members are gone.
func (f *File) closeGroups() {
	f.groups.mu.Lock()
	defer f.groups.mu.Unlock()
	for _, g := range f.groups.open {
		_ = g.segment.Close()
	}
	f.groups.open = nil
}

// groupPaths lists the files of a ring's groups, by name.
func groupPaths(path string, ringID uint64) map[string]string {
	dir, base := filepath.Split(path)
	prefix := fmt.Sprintf("%s.%0*x.", base, idDigits, ringID)
	entries, _ := os.ReadDir(dir)
	paths := map[string]string{}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), prefix)
		if name, found := strings.CutSuffix(rest, groupSuffix); ours && found {
			paths[name] = filepath.Join(dir, e.Name())
		}
	}
	return paths
}

// hasGroups reports whether the ring ever had a group.
func (r *Ring) hasGroups() bool {
	for i := range r.used() {
		if r.entries[i].mode.Load() == layout.EntryModeGroup {
			return true
		}
	}
	return false
}

// removeGroups removes the files of the groups of a ring that is gone.
func removeGroups(path string, ringID uint64) {
	for _, p := range groupPaths(path, ringID) {
		_ = os.Remove(p)
	}
}

// recoverGroups takes back what a dead participant held in the ring's groups. False:
// it is alive. The error is that of a group which could not be looked at.
func (f *File) recoverGroups(dead uint16) (dies bool, err error) {
	for _, path := range groupPaths(f.path, f.ctl.ID()) {
		g, e := f.mapGroup(path)
		if e != nil {
			err = errors.Join(err, e)
			continue
		}
		dies := g.recoverRows(dead)
		if e := g.segment.Close(); !dies {
			return false, errors.Join(err, e)
		}
	}
	return true, err
}
