package main

import (
	"debug/elf"
	"fmt"
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
