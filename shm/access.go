//go:build linux

package shm

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An AccessError says why somebody was refused: which file or directory stands in
// the way, whose it is, who asked, and what helps. It is [fs.ErrPermission].
type AccessError struct {
	Op      string // what was tried: "open segment", ...
	Path    string // on what
	Barrier string // the file or directory that refuses
	Need    string // what it refuses: "read", "write", "search"
	Rights  string // of the barrier: owner:group mode
	Who     string // the process: user, uid, groups
	Advice  string
	Err     error
}

func (e *AccessError) Error() string {
	barrier := "it"
	if e.Barrier != e.Path {
		barrier = strconv.Quote(e.Barrier)
	}
	return fmt.Sprintf("%s %q: %v: %s is %s, and you, %s, may not %s it; %s", e.Op, e.Path, e.Err, barrier, e.Rights, e.Who, e.Need, e.Advice)
}

// Unwrap returns the system's error.
func (e *AccessError) Unwrap() error { return e.Err }

// accessError finds out what refused: the path itself or a directory above it. mode
// is what was needed of the path: unix.R_OK, W_OK, X_OK.
func accessError(op, path string, mode uint32) error {
	e := &AccessError{Op: op, Path: path, Barrier: path, Who: processUser(), Err: unix.EACCES}
	lacking := e.find(mode)
	var st unix.Stat_t
	if unix.Stat(e.Barrier, &st) != nil {
		e.Rights, e.Need, e.Advice = "out of sight", "use", "look at the directories above it"
		return e
	}
	e.Rights = describe(&st, os.FileMode(st.Mode&0o7777))
	e.Need = needName(lacking)
	e.Advice = adviceFor(e.Barrier, &st, lacking)
	return e
}

// CheckWritable returns an [AccessError] unless this process may write the file. A
// system call or two; nothing is opened.
func CheckWritable(path string) error {
	err := unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
	if err == nil {
		return nil
	}
	return refused("write", path, unix.W_OK, err)
}

// find looks for the first directory on the way that can't be searched, and
// returns what is lacking at the barrier; 0 if the modes would let us.
func (e *AccessError) find(mode uint32) uint32 {
	at := "/"
	for _, part := range strings.Split(strings.Trim(filepath.Dir(e.Path), "/"), "/") {
		if at = filepath.Join(at, part); !permitted(at, unix.X_OK) {
			e.Barrier = at
			return unix.X_OK
		}
	}
	var lacking uint32
	for _, bit := range []uint32{unix.R_OK, unix.W_OK, unix.X_OK} {
		if mode&bit != 0 && !permitted(e.Path, bit) {
			lacking |= bit
		}
	}
	return lacking
}

// permitted asks the system about the effective user.
func permitted(path string, mode uint32) bool {
	return !errors.Is(unix.Faccessat(unix.AT_FDCWD, path, mode, unix.AT_EACCESS), unix.EACCES)
}

func needName(bits uint32) string {
	switch {
	case bits&unix.W_OK != 0:
		return "write"
	case bits&unix.R_OK != 0:
		return "read"
	case bits&unix.X_OK != 0:
		return "search"
	}
	return "use"
}

// adviceFor says what would help: membership where the group has the right, and
// otherwise other rights, which only the owner gives.
func adviceFor(path string, st *unix.Stat_t, lacking uint32) string {
	if lacking == 0 {
		return "its mode would let you: look for access lists (getfacl), a read-only mount, a sandbox or SELinux"
	}
	group, bits := groupName(int(st.Gid)), lacking<<3
	if st.Mode&bits == bits && !inGroup(int(st.Gid)) {
		if int(st.Gid) == 0 {
			return "run as root, or have it made for a group of yours (--group)"
		}
		return fmt.Sprintf("become a member of group %s (as root: usermod -aG %s %s; then log in again)", group, group, userName(os.Geteuid()))
	}
	letters := map[string]string{"write": "rw", "read": "r", "search": "x", "use": "rw"}[needName(lacking)]
	if int(st.Uid) == os.Geteuid() {
		return fmt.Sprintf("it is yours: chmod u+%s %s", letters, path)
	}
	class := "o"
	if inGroup(int(st.Gid)) {
		class = "g"
	}
	return fmt.Sprintf("its owner %s can let you: chmod %s+%s %s; or have it made anew for a group of yours (--group, --mode 660)",
		userName(int(st.Uid)), class, letters, path)
}

// chownError says why a file could not be given away.
func chownError(path string, uid, gid int, err error) error {
	e := &AccessError{Op: "give", Path: path, Barrier: path, Who: processUser(), Err: err}
	switch {
	case errors.Is(err, unix.EINVAL):
		return fmt.Errorf("give %q to %s: %w: there is no such id in this user namespace", path, grant{uid: uid, gid: gid}, err)
	case !errors.Is(err, unix.EPERM):
		return fmt.Errorf("give %q to %s: %w", path, grant{uid: uid, gid: gid}, err)
	case uid != keep:
		e.Rights, e.Need = "to become user "+userName(uid)+"'s", "give"
		e.Advice = "run as root, or leave the owner away"
	default:
		name := groupName(gid)
		e.Rights, e.Need = "to become group "+name+"'s", "give"
		e.Advice = fmt.Sprintf("become a member (as root: usermod -aG %s %s; then log in again), or name a group of yours: %s",
			name, userName(os.Geteuid()), processGroups())
	}
	return e
}

// processUser names who asks: bob (uid 1001; groups users, ops).
func processUser() string {
	uid := os.Geteuid()
	if name := userName(uid); name != strconv.Itoa(uid) {
		return fmt.Sprintf("%s (uid %d; groups %s)", name, uid, processGroups())
	}
	return fmt.Sprintf("uid %d (groups %s)", uid, processGroups())
}

// processGroups names the groups of this process.
func processGroups() string {
	names := []string{groupName(os.Getegid())}
	more, _ := os.Getgroups()
	for _, gid := range more {
		if gid != os.Getegid() {
			names = append(names, groupName(gid))
		}
	}
	return strings.Join(names, ", ")
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}
