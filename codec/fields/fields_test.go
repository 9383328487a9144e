package fields

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// A sample is one line of testdata/golden.txt.
type sample struct {
	line    string
	payload []byte
	list    [][]byte
	broken  bool
}

// golden reads the samples.
func golden(t testing.TB) []sample {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []sample
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			all = append(all, read(t, line))
		}
	}
	return all
}

func read(t testing.TB, line string) sample {
	t.Helper()
	s := sample{line: line, broken: strings.HasSuffix(line, " !")}
	digits, list, _ := strings.Cut(strings.TrimSuffix(line, " !"), " =")
	var err error
	if s.payload, err = hex.DecodeString(strings.NewReplacer(" ", "", "-", "").Replace(digits)); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	d := json.NewDecoder(strings.NewReader(list))
	for d.More() {
		var f string
		if err := d.Decode(&f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		s.list = append(s.list, []byte(f))
	}
	return s
}

// TestGolden reads and writes the bytes that all languages agree on.
func TestGolden(t *testing.T) {
	for _, s := range golden(t) {
		list, err := Parse(s.payload)
		if s.broken {
			if !errors.Is(err, ErrMalformed) || list != nil {
				t.Errorf("%s: %q, %v, want ErrMalformed", s.line, list, err)
			}
			continue
		}
		if err != nil || !slices.EqualFunc(list, s.list, bytes.Equal) {
			t.Errorf("%s: %q, %v, want %q", s.line, list, err, s.list)
		}
		if got := Append(nil, s.list...); !bytes.Equal(got, s.payload) || Size(s.list...) != len(got) {
			t.Errorf("%s: written %x of size %d", s.line, got, Size(s.list...))
		}
	}
}

// A field can't grow into the one behind it.
func TestParseBoundsCapacity(t *testing.T) {
	payload := Append([]byte("x"), []byte("ab"), []byte("cd"))[1:]
	list, err := Parse(payload)
	if err != nil {
		t.Fatal(err)
	}
	_ = append(list[0], "zzzzzz"...)
	if again, err := Parse(payload); err != nil || string(again[1]) != "cd" {
		t.Fatalf("second field is %q, %v after the first was appended to", again, err)
	}
}

// Counting costs no memory, whatever the bytes say of their length.
func TestCountAllocates(t *testing.T) {
	payload := Append(nil, make([]byte, 100), nil, make([]byte, 3))
	if n := testing.AllocsPerRun(100, func() {
		if n, err := Count(payload); n != 3 || err != nil {
			t.Fatal(n, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzFields shows that what is read is written again as the same bytes, and nothing else is read.
func FuzzFields(f *testing.F) {
	for _, s := range golden(f) {
		f.Add(s.payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		list, err := Parse(payload)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again := Append(nil, list...); !bytes.Equal(again, payload) {
			t.Fatalf("%x was read as %q, which is %x", payload, list, again)
		}
	})
}
