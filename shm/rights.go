//go:build linux

package shm

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// Rights say whom the files made in a place belong to, and who may use them. A
// zero field asks for nothing: it is what the directory of the file has, so that
// all that is made in a domain has the rights of the domain.
type Rights struct {
	// Mode is permission bits of files, such as 0660; the umask has no part in
	// them. The owner must have 0600 at least.
	Mode os.FileMode
	// Owner is a user, by name or number. Only root gives files to others.
	Owner string
	// Group is a group, by name or number, of which the process is a member.
	Group string
}

// ErrBadRights says that a mode can't be that of a segment, or that a user or group
// is not known here; the error says why.
var ErrBadRights = errors.New("invalid rights")

// IsZero reports whether the rights ask for nothing.
func (r Rights) IsZero() bool { return r == Rights{} }

// keep is an id that asks for nothing, as chown(2) has it.
const keep = -1

// A grant is rights with numbers for names.
type grant struct {
	file     os.FileMode // 0: asks for nothing
	uid, gid int         // keep: asks for nothing
}

// resolve checks the rights and looks their names up.
func (r Rights) resolve() (grant, error) {
	g := grant{file: r.Mode, uid: keep, gid: keep}
	if err := validMode(r.Mode); err != nil {
		return g, err
	}
	var err error
	if r.Owner != "" {
		if g.uid, err = userID(r.Owner); err != nil {
			return g, err
		}
	}
	if r.Group != "" {
		if g.gid, err = groupID(r.Group); err != nil {
			return g, err
		}
	}
	return g, nil
}

// validMode says what is wrong with the mode of a file that its owner maps for
// writing and nobody executes.
func validMode(m os.FileMode) error {
	const example = "want 0600 (the owner alone), 0660 (the group takes part) or 0640 (the group reads), for example"
	switch {
	case m == 0:
		return nil
	case m&^os.ModePerm != 0:
		return fmt.Errorf("mode %v: %s: %w", m, example, ErrBadRights)
	case m&0o111 != 0:
		return fmt.Errorf("mode %04o: segments are not executed: %s; directories get their search bits by themselves: %w", m, example, ErrBadRights)
	case m&0o600 != 0o600:
		return fmt.Errorf("mode %04o: the owner must read and write: %s: %w", m, example, ErrBadRights)
	case m&0o022&^(m&0o044>>1) != 0:
		return fmt.Errorf("mode %04o: who writes a mapped file must read it, too: %s: %w", m, example, ErrBadRights)
	}
	return nil
}

// ParseMode reads permission bits in octal, such as 660 or 0640, and checks that they
// are those of a segment.
func ParseMode(text string) (os.FileMode, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n == 0 || n > uint64(os.ModePerm) {
		return 0, fmt.Errorf("mode %q: want three octal digits, such as 660: %w", text, ErrBadRights)
	}
	return os.FileMode(n), validMode(os.FileMode(n))
}

func userID(name string) (int, error) {
	if u, err := user.Lookup(name); err == nil {
		return strconv.Atoi(u.Uid)
	}
	if n, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(n), nil
	}
	return keep, fmt.Errorf("owner %q: there is no such user: want a name or a number: %w", name, ErrBadRights)
}

func groupID(name string) (int, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return strconv.Atoi(g.Gid)
	}
	if n, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(n), nil
	}
	return keep, fmt.Errorf("group %q: there is no such group: make it (as root: groupadd %s), or name one of yours, %s: %w", name, name, processGroups(), ErrBadRights)
}

// directoryMode lets those search a directory who may read a file.
func directoryMode(file os.FileMode) os.FileMode { return file | file&0o444>>2 }

// grantOf is what the files in a directory get: its mode without search, and its
// group where it is set-group-ID. Root gives its files to the directory's owner, so
// that who looks into another's domain as root leaves nothing that shuts him out.
func grantOf(dir *unix.Stat_t) grant {
	g := grant{file: os.FileMode(dir.Mode&0o666) | 0o600, uid: keep, gid: keep}
	if dir.Mode&unix.S_ISGID != 0 {
		g.gid = int(dir.Gid)
	}
	if os.Geteuid() == 0 && dir.Uid != 0 {
		g.uid = int(dir.Uid)
	}
	return g
}

// over returns g with what is asked for instead.
func (g grant) over(asked grant) grant {
	if asked.file != 0 {
		g.file = asked.file
	}
	if asked.uid != keep {
		g.uid = asked.uid
	}
	if asked.gid != keep {
		g.gid = asked.gid
	}
	return g
}

// apply gives an open file these rights, whatever the umask. Ids that it has
// already are not set: that needs no right.
func (g grant) apply(fd int, path string) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("rights of %q: %w", path, err)
	}
	uid, gid := g.uid, g.gid
	if uid == int(st.Uid) {
		uid = keep
	}
	if gid == int(st.Gid) {
		gid = keep
	}
	if uid != keep || gid != keep {
		if err := unix.Fchown(fd, uid, gid); err != nil {
			return chownError(path, uid, gid, err)
		}
	}
	if err := unix.Fchmod(fd, uint32(g.file.Perm())); err != nil { // after chown, which may take bits away
		return fmt.Errorf("mode of %q: %w", path, err)
	}
	return nil
}

// RightsOf returns the rights of a file: its mode, and its ids as numbers.
func RightsOf(path string) (Rights, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return Rights{}, fmt.Errorf("rights: %w", &os.PathError{Op: "lstat", Path: path, Err: err})
	}
	return Rights{Mode: os.FileMode(st.Mode & 0o777), Owner: strconv.Itoa(int(st.Uid)), Group: strconv.Itoa(int(st.Gid))}, nil
}

// CheckRights compares the segment's file with rights that somebody asks for. The
// error is an [OtherRightsError]; nil if it has them. A system call.
func (s *Segment) CheckRights(asked Rights) error {
	if asked.IsZero() || s.fd < 0 {
		return nil
	}
	g, err := asked.resolve()
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return fmt.Errorf("rights of %q: %w", s.path, err)
	}
	return g.compare(s.path, &st, os.FileMode(st.Mode&0o777))
}

// compare says what a file or directory has other than asked for; mode is that of
// a file, or of the files in a directory.
func (g grant) compare(path string, st *unix.Stat_t, mode os.FileMode) error {
	if (g.file == 0 || g.file == mode) && (g.uid == keep || g.uid == int(st.Uid)) && (g.gid == keep || g.gid == int(st.Gid)) {
		return nil
	}
	return &OtherRightsError{Path: path, Have: describe(st, mode), Want: g.String()}
}

// String names the rights as errors show them: alice:ops 0660; * for what is not asked for.
func (g grant) String() string {
	owner, group, mode := "*", "*", "*"
	if g.uid != keep {
		owner = userName(g.uid)
	}
	if g.gid != keep {
		group = groupName(g.gid)
	}
	if g.file != 0 {
		mode = fmt.Sprintf("%04o", g.file)
	}
	return owner + ":" + group + " " + mode
}

// describe names what a file has in the same form.
func describe(st *unix.Stat_t, mode os.FileMode) string {
	return fmt.Sprintf("%s:%s %04o", userName(int(st.Uid)), groupName(int(st.Gid)), uint32(mode))
}

// An OtherRightsError says that a domain or topic that is in use already has other
// rights than those asked for.
type OtherRightsError struct {
	Path string
	Have string // owner:group mode
	Want string // the same; * where nothing is asked for
}

func (e *OtherRightsError) Error() string {
	return fmt.Sprintf("%q: it is %s already, and can't become %s: ask for no rights to take it as it is, "+
		"or end all who use it and remove it, so that it is made anew", e.Path, e.Have, e.Want)
}
