//go:build linux

package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
	byRule  bool  // nobody named it: it must be ours
	foreign bool  // a base by rule that others may own, too
	members int   // the group ringcast where it shares the base; keep: none
	asked   grant // what the configuration asks for
	grant   grant // what is made here gets; that of the domain's directory, once it is there
}

// placeOf applies the rule: the configuration, the environment, or the user.
func placeOf(cfg *Config) (place, error) {
	p := place{base: cfg.Base, members: keep}
	if p.base == "" {
		p.base = os.Getenv(BaseVariable)
	}
	var err error
	if p.asked, err = (Rights{Mode: cfg.Mode, Owner: cfg.Owner, Group: cfg.Group}).resolve(); err != nil {
		return place{}, err
	}
	p.grant = grant{uid: keep, gid: keep}.over(p.asked)
	if p.base == "" {
		p.rule()
	}
	if p.base, err = filepath.Abs(p.base); err != nil {
		return place{}, fmt.Errorf("base directory: %w", err)
	}
	if real, err := filepath.EvalSymlinks(p.base); err == nil && !p.byRule {
		p.base = real // who named it may have named a link
	}
	if p.grant.file == 0 {
		p.grant.file = 0o600
		if p.grant.gid != keep {
			p.grant.file = 0o660
		}
	}
	return p, nil
}

// rule chooses the base where nobody names one.
func (p *place) rule() {
	p.byRule = true
	uid := os.Geteuid()
	gid, err := groupID(sharedGroup)
	if p.foreign = uid == 0 || err == nil && inGroup(gid); !p.foreign {
		p.base = privateBase + strconv.Itoa(uid)
		return
	}
	p.base = sharedBase
	if err != nil {
		return
	}
	p.members = gid
	if p.grant.gid == keep {
		p.grant.gid = gid
	}
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
	ours := int(st.Uid) == uid || p.foreign && (st.Uid == 0 || p.members != keep && int(st.Gid) == p.members)
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || !ours || st.Mode&0o002 != 0 {
		return fmt.Errorf("base directory %q: owner %d, mode %o: not a directory of user %d alone: %w; %s",
			p.base, st.Uid, st.Mode, uid, fs.ErrPermission, adviceBase)
	}
	return nil
}

// makeDomain makes what is missing of the base, the domain and its subdirectories.
func (p *place) makeDomain(domain string) (string, error) {
	dir := filepath.Join(p.base, domain)
	err := p.makeTree(dir)
	if err == nil {
		if err := p.adopt(dir); err != nil {
			return "", err
		}
		err = p.makeMissing(dir)
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.EROFS) || errors.Is(err, fs.ErrNotExist) { // where none can be made, as in /proc
		return "", fmt.Errorf("make domain directory: %w; or %s", err, adviceBase)
	}
	if err != nil {
		return "", fmt.Errorf("make domain directory: %w", err)
	}
	return dir, nil
}

// notDirectory names the file that stands where the base or the domain's directory should; nil: none does.
func (p *place) notDirectory(dir string) error {
	for _, path := range []string{p.base, dir} {
		if st, err := os.Stat(path); err == nil && !st.IsDir() {
			return &NotOursError{Path: path, Found: "a file", Wanted: aDirectory}
		}
	}
	return nil
}

// makeMissing makes subdirectories that somebody has removed.
func (p *place) makeMissing(dir string) error {
	for _, sub := range subdirectories {
		if err := p.makeDirectory(filepath.Join(dir, sub), p.grant, nil); err != nil {
			return err
		}
	}
	return nil
}

// makeTree makes the base with its parents, and the domain. A base is not for
// strangers to write, whatever the rights of the domain: there may be others in it.
// The one by rule for the group ringcast is for all its members.
func (p *place) makeTree(dir string) error {
	above := p.grant
	above.file &^= 0o002
	if p.members != keep {
		above.file, above.gid = 0o660, p.members
	}
	if err := p.makeParents(filepath.Dir(p.base), above); err != nil {
		return err
	}
	if err := p.makeDirectory(p.base, above, nil); err != nil {
		return err
	}
	if err := p.checkBase(); err != nil {
		return err
	}
	return p.makeDirectory(dir, p.grant, subdirectories)
}

// makeParents makes the directories above the base that are missing.
func (p *place) makeParents(path string, g grant) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return nil // what is wrong with it, the base's own making tells
	}
	if err := p.makeParents(filepath.Dir(path), g); err != nil {
		return err
	}
	return p.makeDirectory(path, g, nil)
}

// adopt takes the rights of the domain's directory, which may be another's making,
// for what is made here, and refuses if others were asked for.
func (p *place) adopt(dir string) error {
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return refused("look at domain directory", dir, 0, err)
	}
	p.grant = grantOf(&st)
	if err := p.asked.compare(dir, &st, p.grant.file); err != nil {
		return err
	}
	return p.reachable(dir, &st)
}

// reachable refuses rights that the base would make void, if they were asked for:
// whom the domain is for must be able to get there.
func (p *place) reachable(dir string, domain *unix.Stat_t) error {
	if p.asked == (grant{uid: keep, gid: keep}) {
		return nil
	}
	var base unix.Stat_t
	if err := unix.Stat(p.base, &base); err != nil {
		return refused("look at base directory", p.base, 0, err)
	}
	group := domain.Mode&0o010 == 0 || base.Mode&0o001 != 0 || base.Gid == domain.Gid && base.Mode&0o010 != 0
	others := domain.Mode&0o001 == 0 || base.Mode&0o001 != 0
	if group && others {
		return nil
	}
	return fmt.Errorf("%q is for others (%s), but its base %q is %s and does not let them through: chmod o+x %s, or name another base with --shm-dir: %w",
		dir, describe(domain, os.FileMode(domain.Mode&0o777)), p.base, describe(&base, os.FileMode(base.Mode&0o777)), p.base, fs.ErrPermission)
}

// makeDirectory makes a directory with those in it unless it is there. It gets
// its name when its rights are set, so that nobody finds it without them.
func (p *place) makeDirectory(path string, g grant, subs []string) error {
	if st, err := os.Lstat(path); err == nil {
		if !st.IsDir() {
			return &NotOursError{Path: path, Found: "a file", Wanted: aDirectory}
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return refused("look at directory", path, 0, err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-")
	if err != nil {
		return refused("make directory in", filepath.Dir(path), unix.W_OK|unix.X_OK, errors.Unwrap(err)) // not the name that nobody asked for
	}
	defer os.RemoveAll(fresh)                      // gone when all went well
	if err := os.Chmod(fresh, 0o700); err != nil { // the umask may have taken that, too
		return err
	}
	for _, sub := range subs {
		if err := unix.Mkdir(filepath.Join(fresh, sub), 0o700); err != nil {
			return refused("make directory in", path, unix.W_OK|unix.X_OK, err)
		}
		if err := g.applyTo(filepath.Join(fresh, sub), path); err != nil {
			return err
		}
	}
	if err := g.applyTo(fresh, path); err != nil {
		return err
	}
	step("name directory")
	err = unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return &fs.PathError{Op: "rename", Path: path, Err: err}
	}
	return nil
}

// applyTo gives a new directory its rights: set-group-ID where a group is given, so
// that all within has the group. Errors name the path that it will have.
func (g grant) applyTo(dir, path string) error {
	mode := directoryMode(g.file)
	if g.gid != keep {
		mode |= os.ModeSetgid
	}
	if g.uid != keep || g.gid != keep {
		if err := os.Chown(dir, g.uid, g.gid); err != nil {
			return chownError(path, g.uid, g.gid, errors.Unwrap(err))
		}
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
