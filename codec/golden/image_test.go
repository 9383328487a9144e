package golden

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var initImages = flag.Bool("init", false, "write the images of structs that have none")

// A leaf is one scalar of a struct, those of nested structs included.
type leaf struct {
	path   string // "producer.node"
	offset int
	size   int
}

// leaves lists the scalars of a struct as the generator sees it today.
func leaves(name, prefix string, base int) []leaf {
	var list []leaf
	for _, m := range structures[name].members {
		path := prefix + m.name
		if m.nested != "" {
			list = append(list, leaves(m.nested, path+".", base)...)
		} else {
			list = append(list, leaf{path, base, m.size})
		}
		base += m.size
	}
	return list
}

// A golden is what was written down about one struct.
type golden struct {
	bytes  []byte
	order  []string // paths
	values map[string]uint64
}

func imagePath(name, ext string) string { return filepath.Join("testdata", name+ext) }

// readGolden reads the image of a struct and the list of its values.
func readGolden(t *testing.T, name string) *golden {
	t.Helper()
	bytes, err := os.ReadFile(imagePath(name, ".bin"))
	if err != nil {
		t.Fatalf("%v\na new struct needs an image: go test ./codec/golden -run TestImages -init", err)
	}
	text, err := os.ReadFile(imagePath(name, ".txt"))
	if err != nil {
		t.Fatal(err)
	}
	g := &golden{bytes: bytes, values: make(map[string]uint64)}
	for line := range strings.Lines(string(text)) {
		path, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", imagePath(name, ".txt"), err)
		}
		g.order = append(g.order, path)
		g.values[path] = v
	}
	return g
}

// text returns the values as the readers in other languages print them.
func (g *golden) text() string {
	var b strings.Builder
	for _, path := range g.order {
		fmt.Fprintf(&b, "%s %d\n", path, g.values[path])
	}
	return b.String()
}

func structNames() []string { return slices.Sorted(maps.Keys(structures)) }

// TestImages holds every struct of the schemas to its image: no field moved,
// none changed its size, none came or went.
func TestImages(t *testing.T) {
	for _, name := range structNames() {
		t.Run(name, func(t *testing.T) {
			if *initImages {
				writeImage(t, name)
			}
			g := readGolden(t, name)
			if len(g.bytes) != structures[name].size {
				t.Errorf("size = %d, want %d as in the image", structures[name].size, len(g.bytes))
			}
			checkLeaves(t, g, leaves(name, "", 0))
		})
	}
}

func checkLeaves(t *testing.T, g *golden, list []leaf) {
	var order []string
	for _, l := range list {
		order = append(order, l.path)
		if got := readAt(g.bytes, l.offset, l.size); got != g.values[l.path] {
			t.Errorf("%s at %d: %d, want %d as in the image", l.path, l.offset, got, g.values[l.path])
		}
	}
	if !slices.Equal(order, g.order) {
		t.Errorf("fields = %q, want %q as in the image", order, g.order)
	}
}

// readAt reads a little-endian number; bytes beyond the end read as zero, so
// that a struct that grew is reported and not a panic.
func readAt(b []byte, offset, size int) uint64 {
	var word [8]byte
	if offset < len(b) {
		copy(word[:size], b[offset:])
	}
	return binary.LittleEndian.Uint64(word[:])
}

// writeImage makes the files of a struct that has none.
func writeImage(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(imagePath(name, ".bin")); err == nil {
		return
	}
	image := make([]byte, structures[name].size)
	var text strings.Builder
	used := make(map[uint64]bool)
	for _, l := range leaves(name, "", 0) {
		v := freshValue(name+"."+l.path, l.size, used)
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], v)
		copy(image[l.offset:l.offset+l.size], word[:])
		fmt.Fprintf(&text, "%s %d\n", l.path, v)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	for ext, data := range map[string][]byte{".bin": image, ".txt": []byte(text.String())} {
		if err := os.WriteFile(imagePath(name, ext), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// freshValue picks a value for a field: from its name alone, not zero, not
// used before in the struct, and positive where a reader has no unsigned type.
func freshValue(path string, size int, used map[uint64]bool) uint64 {
	h := fnv.New64a()
	h.Write([]byte(path))
	mask := uint64(1)<<(8*size-1) - 1
	for v := h.Sum64() & mask; ; v = (v + 1) & mask {
		if v != 0 && !used[v] {
			used[v] = true
			return v
		}
	}
}

// TestImagesTellFieldsApart makes sure that the images can catch a swap.
func TestImagesTellFieldsApart(t *testing.T) {
	for _, name := range structNames() {
		g, seen := readGolden(t, name), make(map[uint64]string)
		for path, v := range g.values {
			if other, twice := seen[v]; twice {
				t.Errorf("%s: %s and %s are both %d", name, path, other, v)
			}
			seen[v] = path
		}
	}
}
