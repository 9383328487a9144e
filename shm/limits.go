package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A LimitError says that a limit of this process, or of its container, is in the way
// of a segment, which one, and what helps. Nothing was made.
type LimitError struct {
	Op     string
	Path   string
	Limit  string // such as "open files", with its value
	Advice string
	Err    error // the system's
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s %q: %v: the limit is %s; %s", e.Op, e.Path, e.Err, e.Limit, e.Advice)
}

// Unwrap returns the system's error.
func (e *LimitError) Unwrap() error { return e.Err }

// explain gives an error of the system what helps against it: rights, room or limits.
// mode is what was needed of the path; need is the size of what was to be made, or 0.
func explain(op, path string, mode uint32, need int, err error) error {
	switch {
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EPERM):
		return accessError(op, path, mode)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		return noSpace(path, need)
	case errors.Is(err, unix.EMFILE):
		return &LimitError{op, path, "open files, " + limitText(unix.RLIMIT_NOFILE, ""), "raise it (ulimit -n): a program has two for each topic and some ten besides", unix.EMFILE}
	case errors.Is(err, unix.ENFILE):
		return &LimitError{op, path, "open files of the machine", "raise it: sysctl fs.file-max", unix.ENFILE}
	case errors.Is(err, unix.EFBIG):
		return &LimitError{op, path, "file size, " + limitText(unix.RLIMIT_FSIZE, " bytes"),
			fmt.Sprintf("%d bytes are needed: raise it (ulimit -f), or ask for fewer or smaller slots", need), unix.EFBIG}
	case errors.Is(err, unix.ENOMEM):
		return &LimitError{op, path, "address space, " + limitText(unix.RLIMIT_AS, " bytes") + ", or mappings, vm.max_map_count",
			"raise it (ulimit -v, sysctl vm.max_map_count), or ask for fewer or smaller slots", unix.ENOMEM}
	}
	return fmt.Errorf("%s: %w", op, &fs.PathError{Op: "open", Path: path, Err: err})
}

// refused is explain for what has no size.
func refused(op, path string, mode uint32, err error) error { return explain(op, path, mode, 0, err) }

func limitText(resource int, unit string) string {
	var r unix.Rlimit
	if unix.Getrlimit(resource, &r) != nil {
		return "unknown"
	}
	if r.Cur == unix.RLIM_INFINITY {
		return "unlimited"
	}
	return fmt.Sprint(r.Cur) + unit
}

// noSpace says how much room there is where the path lies.
func noSpace(path string, need int) error {
	e := &NoSpaceError{Path: path, Need: uint64(need)}
	var st unix.Statfs_t
	if unix.Statfs(filepath.Dir(path), &st) == nil {
		e.Free = st.Bavail * uint64(st.Bsize)
		e.NoInodes = st.Files > 0 && st.Ffree == 0
	}
	return e
}
