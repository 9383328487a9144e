package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// Errors of opening a domain and joining it.
var (
	// ErrNoDomain says that there is no such domain; see [NoDomainError].
	ErrNoDomain = errors.New("no such domain")
	// ErrTooManyParticipants says that no record is free: the domain is full,
	// or the dead were not recovered.
	ErrTooManyParticipants = errors.New("too many participants")
	// ErrForwarderRunning says that this node has a living forwarder; see [ForwarderRunningError].
	ErrForwarderRunning = errors.New("a forwarder is running")
	// ErrReadOnly says that the domain or segment was opened for reading.
	ErrReadOnly = errors.New("opened read-only")
	// ErrClosed says that what was used was closed before. errors.Is finds [fs.ErrClosed] in it.
	ErrClosed error = &closedError{"closed before, by this program: the bus, or the publisher, subscription or service that was used; open it anew to go on"}
)

// Errors of use.
var (
	// ErrInUse says that somebody else uses the segment, so that it can't be removed now.
	ErrInUse = errors.New("segment is in use")
	// ErrAlive says that the participant lives, so that its record can't be freed.
	ErrAlive = errors.New("participant is alive")
	// ErrTooLarge says that a table does not fit the room made for it.
	ErrTooLarge = errors.New("too large")
	// ErrUnfinished says that a table stayed half written: its writer is stuck or dead.
	ErrUnfinished = errors.New("unfinished write")
	// ErrRowsFull says that the forwarder's segment has no free row of that sort.
	ErrRowsFull = errors.New("no free row")
	// ErrBadName says that a name or pattern breaks the rules of names.
	ErrBadName = errors.New("invalid name")
	// ErrBadAddress says that a text is no address.
	ErrBadAddress = errors.New("invalid address")
)

// A closedError is one value, as who asks often compares with ==: it speaks of all that can be closed.
type closedError struct{ text string }

func (e *closedError) Error() string { return e.text }

// Is reports whether target is fs.ErrClosed.
func (e *closedError) Is(target error) bool { return target == fs.ErrClosed }

// An InvalidError says of a setting that it can't be, and what is wanted. It is [fs.ErrInvalid].
type InvalidError struct{ text string }

func (e *InvalidError) Error() string { return e.text }

// Is reports whether target is fs.ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == fs.ErrInvalid }

// Invalid makes an InvalidError of a format and its values.
func Invalid(format string, args ...any) error {
	return &InvalidError{fmt.Sprintf(format, args...)}
}

// A NotOursError says that a file is no segment of the kind that was asked for, or stands where a
// directory should: then it is syscall.ENOTDIR, too.
type NotOursError struct {
	Path   string
	Found  string // what lies there
	Wanted string // what should
}

func (e *NotOursError) Error() string {
	if e.Wanted == aDirectory {
		return fmt.Sprintf("open directory %q: not ours: found %s, not a directory; move it out of the way, or %s", e.Path, e.Found, adviceBase)
	}
	return fmt.Sprintf("open segment %q: not ours: found %s, want %s; move it out of the way, or %s", e.Path, e.Found, e.Wanted, adviceBase)
}

// Is reports whether target is ENOTDIR, and a directory was wanted.
func (e *NotOursError) Is(target error) bool {
	return target == syscall.ENOTDIR && e.Wanted == aDirectory
}

// aDirectory is what should stand where a domain or its base does.
const aDirectory = "a directory"

// A VersionError says that a segment was made by another version: another major
// version, or the same with another layout. Nothing but its removal helps, when
// all its users are gone.
type VersionError struct {
	Path   string
	Found  string
	Wanted string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("open segment %q: other version: found %s, want %s; end all programs of the other version, "+
		"then remove the domain's directory, or %s", e.Path, e.Found, e.Wanted, adviceBase)
}

// A DamagedError says that a file begins as a segment does, but can't be one.
type DamagedError struct {
	Path   string
	Found  string
	Wanted string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("open segment %q: damaged: found %s, want %s; end all who use it (fuser %s) and remove it: "+
		"the next one makes it anew", e.Path, e.Found, e.Wanted, e.Path)
}

// A RetiredError says that a segment was retired and still has users, so that
// its name can't be given to another yet.
type RetiredError struct {
	Path      string
	Successor uint64 // id of the segment that replaces it; 0 if there is none
}

func (e *RetiredError) Error() string {
	return fmt.Sprintf("open segment %q: retired, successor %015x", e.Path, e.Successor)
}

// A NoSpaceError says that the file system of the segments is full. Nothing was made.
type NoSpaceError struct {
	Path     string
	Need     uint64 // bytes of the segment; 0 for what has no size, such as a directory
	Free     uint64 // bytes that were free
	NoInodes bool   // there is room for bytes, but not for another file
}

func (e *NoSpaceError) Error() string {
	what, option := fmt.Sprintf("need %d bytes, %d free", e.Need, e.Free), "size=..., or --shm-size of the container"
	if e.NoInodes {
		what, option = "no inodes left for another file", "nr_inodes=..."
	}
	return fmt.Sprintf("make %q: no space: %s; remove what is not used there, "+
		"make it larger (mount -o remount,%s), or choose another directory (--shm-dir, RINGCAST_SHM_DIR)", e.Path, what, option)
}

// Is reports that the error is ENOSPC.
func (e *NoSpaceError) Is(target error) bool { return target == syscall.ENOSPC }

// A NoDomainError says that a base directory holds no such domain, and which it holds.
type NoDomainError struct {
	Base   string
	Domain string
	Have   []string // the domains there are
}

func (e *NoDomainError) Error() string {
	have := "none"
	if len(e.Have) > 0 {
		have = strings.Join(e.Have, ", ")
	}
	return fmt.Sprintf("open domain %q in %q: no such domain; there: %s; the first program that takes part makes it, such as ringcast sub",
		e.Domain, e.Base, have)
}

// Is reports that the error is [ErrNoDomain] and [fs.ErrNotExist].
func (e *NoDomainError) Is(target error) bool {
	return target == ErrNoDomain || target == fs.ErrNotExist
}

// A NodeError says that a directory belongs to another node than the one that was asked for.
type NodeError struct {
	Dir    string
	Found  uint32
	Wanted uint32
}

func (e *NodeError) Error() string {
	return fmt.Sprintf("open domain %q: it is node %d, want node %d; whoever opened it first chose that: leave the id away, or end all who use it, remove it, and have the forwarder make it first",
		e.Dir, e.Found, e.Wanted)
}

// A ForwarderRunningError says who is the forwarder of this node.
type ForwarderRunningError struct {
	Dir   string
	PID   uint32 // as it said itself; 0 if unknown
	Index uint16
}

func (e *ForwarderRunningError) Error() string {
	return fmt.Sprintf("claim forwarder of %q: a forwarder is running: pid %d, participant %d; one is enough for all programs of a domain: leave it, stop it first, or name another domain or directory (--domain, --shm-dir)", e.Dir, e.PID, e.Index)
}

// Is reports that the error is [ErrForwarderRunning].
func (e *ForwarderRunningError) Is(target error) bool { return target == ErrForwarderRunning }
