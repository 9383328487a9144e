package main

import (
	"slices"
	"testing"
)

const sampleCanonical = `enum Colour ubyte
 None 0
 Red 1
 Green 2
enum Extreme long
 Low -5
 High 4611686018427387904
enum Mark ushort
 First 1
 Second 2
 Tenth 512
struct Hidden 8
 zero ulong 0 8
struct Place 8
 x uint 0 4
 y uint 4 4
struct Record 40
 word ulong 0 8
 place Place 8 8
 colour Colour 16 1
 small byte 17 1
 class ushort 18 2
 reserved0 uint 20 4
 reserved1 Place 24 8
 reserved2 Place 32 8
`

func TestCanonicalText(t *testing.T) {
	if got := canonicalText([]*Schema{loadSample(t)}, []string{"sample"}); got != sampleCanonical {
		t.Errorf("canonical text:\n%s\nwant:\n%s", got, sampleCanonical)
	}
	if got := canonicalText([]*Schema{loadSample(t)}, []string{"other"}); got != "" {
		t.Errorf("a schema that was not asked for gave %q", got)
	}
}

// TestHash holds the hash to a number worked out apart from this program:
// FNV-1a 64 of the text above.
func TestHash(t *testing.T) {
	want := uint64(14695981039346656037)
	for _, c := range []byte(sampleCanonical) {
		want = (want ^ uint64(c)) * 1099511628211
	}
	if got := layoutHash([]*Schema{loadSample(t)}, []string{"sample"}); got != want {
		t.Errorf("hash = %#x, want %#x", got, want)
	}
}

func TestHashSeesLayoutOnly(t *testing.T) {
	names := []string{"sample"}
	before := layoutHash([]*Schema{loadSample(t)}, names)
	for _, c := range []struct {
		name    string
		change  func(s *Schema)
		differs bool
	}{
		{"documentation", func(s *Schema) { s.Structs[0].Doc, s.Structs[1].Fields[0].Writer = "x", "y" }, false},
		{"order of the text", func(s *Schema) { slices.Reverse(s.Structs) }, false},
		{"a field's name", func(s *Schema) { s.Structs[1].Fields[0].Name = "other" }, true},
		{"a field's type", func(s *Schema) { s.Structs[1].Fields[0].Type = "long" }, true},
		{"a field's place", func(s *Schema) { s.Structs[1].Fields[0].Offset = 8 }, true},
		{"a struct's size", func(s *Schema) { s.Structs[0].Size = 16 }, true},
		{"a value", func(s *Schema) { s.Enums[0].Values[2].Number = 3 }, true},
		{"a value's name", func(s *Schema) { s.Enums[0].Values[2].Name = "Blue" }, true},
	} {
		s := loadSample(t)
		c.change(s)
		if differs := layoutHash([]*Schema{s}, names) != before; differs != c.differs {
			t.Errorf("%s: hash changed = %v, want %v", c.name, differs, c.differs)
		}
	}
}
