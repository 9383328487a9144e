package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// BaseVariable is the environment variable that names the base directory where
// no configuration does.
const BaseVariable = "RINGCAST_SHM_DIR"

const (
	// sharedBase is the base of root and of the members of sharedGroup.
	sharedBase  = "/dev/shm/ringcast"
	sharedGroup = "ringcast"
	// privateBase, with the user's id behind it, is the base of everybody else.
	privateBase = "/dev/shm/ringcast-"
)

// subdirectories are made with the domain.
var subdirectories = []string{"topics", "services", "inbox", "live", "counters"}

const adviceBase = "choose a directory that you may write with --shm-dir or " + BaseVariable

// A place is a base directory and the rights of what is made in it.
type place struct {
	base    string
	byRule  bool // nobody named it: it must be ours
	gid     int  // 0: none
	file    os.FileMode
	foreign bool // a base by rule that others may own, too
}

// placeOf applies the rule: the configuration, the environment, or the user.
func placeOf(cfg *Config) (place, error) {
	p := place{base: cfg.Base, file: cfg.Mode.Perm()}
	if p.base == "" {
		p.base = os.Getenv(BaseVariable)
	}
	group := cfg.Group
	if p.base == "" {
		p.byRule = true
		uid, gid := os.Geteuid(), groupID(sharedGroup)
		if p.foreign = uid == 0 || gid != 0 && inGroup(gid); p.foreign {
			p.base = sharedBase
			if group == "" && gid != 0 {
				group = sharedGroup
			}
		} else {
			p.base = privateBase + strconv.Itoa(uid)
		}
	}
	var err error
	if p.base, err = filepath.Abs(p.base); err != nil {
		return place{}, fmt.Errorf("base directory: %w", err)
	}
	if real, err := filepath.EvalSymlinks(p.base); err == nil && !p.byRule {
		p.base = real // who named it may have named a link
	}
	if group != "" {
		if p.gid = groupID(group); p.gid == 0 {
			return place{}, fmt.Errorf("group %q: %w", group, user.UnknownGroupError(group))
		}
	}
	if p.file == 0 {
		p.file = 0o600
		if p.gid != 0 {
			p.file = 0o660
		}
	}
	return p, nil
}

// directoryMode lets those search a directory who may read a file.
func (p *place) directoryMode() os.FileMode { return p.file | p.file&0o444>>2 }

// groupID returns the id of a group by name or number, or 0.
func groupID(name string) int {
	id := name
	if g, err := user.LookupGroup(name); err == nil {
		id = g.Gid
	}
	n, err := strconv.Atoi(id)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func inGroup(gid int) bool {
	groups, err := os.Getgroups()
	return os.Getegid() == gid || err == nil && slices.Contains(groups, gid)
}

// checkBase refuses a base by rule that a stranger made: anybody may write /dev/shm.
func (p *place) checkBase() error {
	if !p.byRule {
		return nil
	}
	var st unix.Stat_t
	if err := unix.Lstat(p.base, &st); err != nil {
		return &fs.PathError{Op: "lstat", Path: p.base, Err: err}
	}
	uid := os.Geteuid()
	ours := int(st.Uid) == uid || p.foreign && (st.Uid == 0 || p.gid != 0 && int(st.Gid) == p.gid)
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || !ours || st.Mode&0o002 != 0 {
		return fmt.Errorf("base directory %q: owner %d, mode %o: not a directory of user %d alone: %w; %s",
			p.base, st.Uid, st.Mode, uid, fs.ErrPermission, adviceBase)
	}
	return nil
}

// makeDomain makes what is missing of the base, the domain and its subdirectories.
func (p *place) makeDomain(domain string) (string, error) {
	dir := filepath.Join(p.base, domain)
	if err := p.makeTree(dir); err != nil {
		return "", fmt.Errorf("make domain directory: %w; %s", err, adviceBase)
	}
	return dir, nil
}

func (p *place) makeTree(dir string) error {
	if err := os.MkdirAll(filepath.Dir(p.base), p.directoryMode()); err != nil {
		return err
	}
	if err := p.makeDirectory(p.base, nil); err != nil {
		return err
	}
	if err := p.checkBase(); err != nil {
		return err
	}
	if err := p.makeDirectory(dir, subdirectories); err != nil {
		return err
	}
	for _, sub := range subdirectories { // somebody may have removed one
		if err := p.makeDirectory(filepath.Join(dir, sub), nil); err != nil {
			return err
		}
	}
	return nil
}

// makeDirectory makes a directory with those in it unless it is there. It gets
// its name when its rights are set, so that nobody finds it without them.
func (p *place) makeDirectory(path string, subs []string) error {
	if st, err := os.Lstat(path); err == nil {
		if !st.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: unix.ENOTDIR}
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	fresh, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-")
	if err != nil {
		return &fs.PathError{Op: "mkdir", Path: path, Err: errors.Unwrap(err)} // not the name that nobody asked for
	}
	defer os.RemoveAll(fresh) // gone when all went well
	for _, sub := range subs {
		if err := os.Mkdir(filepath.Join(fresh, sub), 0o700); err != nil {
			return err
		}
		if err := p.setRights(filepath.Join(fresh, sub)); err != nil {
			return err
		}
	}
	if err := p.setRights(fresh); err != nil {
		return err
	}
	step("name directory")
	err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return &fs.PathError{Op: "rename", Path: path, Err: err}
	}
	return nil
}

func (p *place) setRights(dir string) error {
	mode := p.directoryMode()
	if p.gid != 0 {
		if err := os.Chown(dir, -1, p.gid); err != nil {
			return err
		}
		mode |= os.ModeSetgid
	}
	return os.Chmod(dir, mode)
}

// Domains lists the domains of a base directory; the empty one stands for the
// base by rule. A base that is not there has none.
func Domains(base string) ([]string, error) {
	p, err := placeOf(&Config{Base: base})
	if err != nil {
		return nil, err
	}
	return domainsIn(p.base)
}

func domainsIn(base string) ([]string, error) {
	entries, err := os.ReadDir(base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list domains: %w", err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if _, err := os.Lstat(filepath.Join(base, e.Name(), nodeFile)); err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
