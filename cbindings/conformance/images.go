package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// imagesFolder has the golden image of every struct that segments and packets are made of.
var imagesFolder = filepath.Join("codec", "golden")

// segmentStructs is how many structs a peer has to know at least that knows those of
// segments only.
const segmentStructs = 16

// images has a peer read every golden image, and compares what it prints with what was written.
func (m *matrix) images(l language, part string) {
	name := "conformance/golden-to-" + l.name + "/structs"
	if !strings.Contains(name, part) {
		return
	}
	m.count(name, m.readImages(l))
}

func (m *matrix) readImages(l language) error {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	s := &stage{ctx: ctx, dir: filepath.Join(m.dir, l.name+".images")}
	defer os.RemoveAll(s.dir)
	defer s.end()
	p, err := s.start(l, "", "images", imagesFolder)
	if err != nil {
		return err
	}
	text, err := p.wait()
	if err != nil {
		return fmt.Errorf("%s images: %w: %s", l.name, err, text)
	}
	want, err := imagesWritten(imagesFolder)
	if err != nil {
		return err
	}
	return compareImages(want, text, l.segmentsOnly)
}

// imagesWritten are the lines of each struct, as a peer prints them.
func imagesWritten(folder string) (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "testdata", "*.txt"))
	if err == nil && len(files) < segmentStructs {
		err = fmt.Errorf("%s has %d images, want at least %d", folder, len(files), segmentStructs)
	}
	want := make(map[string][]string)
	for _, file := range files {
		b, e := os.ReadFile(file)
		if e != nil {
			return nil, e
		}
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		for line := range strings.Lines(string(b)) {
			want[name] = append(want[name], name+"."+strings.TrimSpace(line))
		}
	}
	return want, err
}

// compareImages says what a peer has read otherwise than it was written. Where some is true it
// need not know every struct.
func compareImages(want map[string][]string, text string, some bool) error {
	got := make(map[string][]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, _, _ := strings.Cut(line, ".")
		got[name] = append(got[name], line)
	}
	for name, lines := range got {
		if !slices.Equal(lines, want[name]) {
			return fmt.Errorf("struct %s: reads %q, want %q", name, lines, want[name])
		}
	}
	if len(got) < segmentStructs || !some && len(got) != len(want) {
		return fmt.Errorf("reads %d structs of %d", len(got), len(want))
	}
	return nil
}
