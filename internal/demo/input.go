package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// An input is the stream's real data: every line of the Go toolchain's own
// source tree, repeated as needed.
type input struct {
	path    string
	bytes   int64
	lines   int64
	empty   int64
	longest int
	sha     string
}

// makeInput writes the input file and measures it.
func makeInput(s settings) (*input, error) {
	root, err := sourceTree()
	if err != nil {
		return nil, err
	}
	in := &input{path: filepath.Join(s.work, "input")}
	f, err := os.Create(in.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, sum), 1<<20)
	for !in.enough(s) {
		before := in.bytes
		if err := in.addTree(w, root, s); err != nil {
			return nil, err
		}
		if in.bytes == before {
			return nil, fmt.Errorf("no source files below %s", root)
		}
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	in.sha = hex.EncodeToString(sum.Sum(nil))
	return in, f.Close()
}

// sourceTree is the toolchain's source directory.
func sourceTree() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "src"), nil
}

// enough reports whether the input is as large as asked for.
func (in *input) enough(s settings) bool { return in.bytes >= s.bytes && in.lines >= s.lines }

// addTree appends the files of the tree, each ended by a newline, until it is enough.
func (in *input) addTree(w *bufio.Writer, root string, s settings) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		if in.enough(s) {
			return filepath.SkipAll
		}
		b, err := os.ReadFile(path)
		if err != nil || len(b) == 0 {
			return err
		}
		if b[len(b)-1] != '\n' {
			b = append(b, '\n')
		}
		in.measure(b)
		_, err = w.Write(b)
		return err
	})
}

// measure counts lines, empty ones and the longest.
func (in *input) measure(b []byte) {
	in.bytes += int64(len(b))
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		in.lines++
		if n == 0 {
			in.empty++
		}
		in.longest = max(in.longest, n)
		b = b[n+1:]
	}
}

// fileSHA returns the digest and size of a file.
func fileSHA(path string) (sha string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	sum := sha256.New()
	size, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), size, err
}
