package main

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// noGo says whether a program is free of Go's runtime: an implementation in another
// language has to be one of its own.
func noGo(run []string) error {
	program := run[0]
	f, err := elf.Open(program)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, s := range f.Sections {
		if s.Name == ".gopclntab" || s.Name == ".go.buildinfo" || s.Name == ".note.go.buildid" {
			return fmt.Errorf("%s has a section %s: it contains Go", program, s.Name)
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, l := range libraries {
		if !systemLibrary(l) {
			return fmt.Errorf("%s loads %s", program, l)
		}
	}
	return nil
}

// systemLibrary says whether a library is one of C's or C++'s own.
func systemLibrary(name string) bool {
	for _, own := range []string{"libc.so", "libpthread.so", "ld-linux", "libstdc++.so", "libgcc_s.so", "libm.so"} {
		if strings.HasPrefix(name, own) {
			return true
		}
	}
	return false
}

// noNativeCalls says whether a peer in Java passes messages without a call of native
// code: it counts its own.
func noNativeCalls(run []string) error {
	dir, err := os.MkdirTemp("/dev/shm", "ringcast-conformance-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command(run[0], append(run[1:len(run):len(run)], "calls", "100000")...)
	cmd.Env = append(os.Environ(), "RINGCAST_SHM_DIR="+dir)
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, text)
	}
	if got := strings.TrimSpace(string(text)); got != "calls 0 before 1" {
		return fmt.Errorf("for 100,000 messages it says %q, want no call, and some before", got)
	}
	return nil
}
