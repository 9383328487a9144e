package shm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A segment larger than what is free is an error that says what to do, at once.
func TestNoSpace(t *testing.T) {
	spec := testSpec(t)
	var st unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(spec.Path), &st); err != nil {
		t.Fatal(err)
	}
	spec.Size = int(st.Blocks*uint64(st.Bsize)) + 1<<30
	_, err := Create(spec)
	mustError(t, err, syscall.ENOSPC, spec.Path, "no space", "remount", "--shm-dir", BaseVariable)
	var full *NoSpaceError
	if !errors.As(err, &full) || full.Need != uint64(spec.Size) || full.Free == 0 || full.Free > full.Need {
		t.Errorf("error = %+v", full)
	}
	if names := filesIn(t, filepath.Dir(spec.Path)); len(names) != 0 {
		t.Errorf("left behind: %v", names)
	}
}

// The whole of it on a file system that is full, mounted in a namespace where
// the system lets us make one; what it can't show then TestNoSpace has shown.
func TestDomainOnFullFileSystem(t *testing.T) {
	attr := &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}},
	}
	c, err := tryChild(t, attr, "tiny", testBase(t))
	if err != nil {
		t.Logf("no user namespace here: %v", err)
		return
	}
	if got := c.line(); got != "no space is an error, and reserved pages are ours" && !strings.Contains(got, "mount: ") {
		t.Errorf("child says %q", got)
	}
}
