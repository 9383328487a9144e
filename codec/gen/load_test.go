package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loadSample loads the schema of testdata, whose binary form lies beside it.
func loadSample(t *testing.T) *Schema {
	t.Helper()
	bfbs, err := os.ReadFile(filepath.Join("testdata", "sample.bfbs"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "codec", "schema", "sample.fbs"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := loadSchema("sample", bfbs, string(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func findStruct(t *testing.T, s *Schema, name string) *Struct {
	t.Helper()
	for _, st := range s.Structs {
		if st.Name == name {
			return st
		}
	}
	t.Fatalf("struct %s is not in the schema", name)
	return nil
}

func TestLoadKeepsTheOrderOfTheText(t *testing.T) {
	s := loadSample(t)
	var names []string
	for _, st := range s.Structs {
		names = append(names, st.Name)
	}
	if want := []string{"Place", "Record", "Hidden"}; !slices.Equal(names, want) {
		t.Errorf("structs = %v, want %v", names, want)
	}
	if s.Doc != "A small schema that has one of everything." {
		t.Errorf("doc = %q", s.Doc)
	}
}

func TestLoadFields(t *testing.T) {
	want := []Field{
		{Name: "word", Type: "ulong", Base: baseULong, Offset: 0, Size: 8, Writer: "any process", Order: "CAS; load acquire", Doc: `says "what; not how"`},
		{Name: "place", Type: "Place", Base: baseObject, Struct: "Place", Offset: 8, Size: 8, Writer: "maker"},
		{Name: "colour", Type: "Colour", Base: baseUByte, Enum: "Colour", Offset: 16, Size: 1, Doc: "may be any"},
		{Name: "small", Type: "byte", Base: baseByte, Offset: 17, Size: 1},
		{Name: "class", Type: "ushort", Base: baseUShort, Offset: 18, Size: 2, Doc: "a keyword elsewhere"},
		{Name: "reserved0", Type: "uint", Base: baseUInt, Offset: 20, Size: 4},
		{Name: "reserved1", Type: "Place", Base: baseObject, Struct: "Place", Offset: 24, Size: 8},
		{Name: "reserved2", Type: "Place", Base: baseObject, Struct: "Place", Offset: 32, Size: 8},
	}
	record := findStruct(t, loadSample(t), "Record")
	if record.Size != 40 || record.Align != 8 {
		t.Errorf("size, alignment = %d, %d, want 40, 8", record.Size, record.Align)
	}
	if len(record.Fields) != len(want) {
		t.Fatalf("%d fields, want %d", len(record.Fields), len(want))
	}
	for i, f := range record.Fields {
		if *f != want[i] {
			t.Errorf("field %d = %+v\nwant %+v", i, *f, want[i])
		}
	}
}

func TestLoadEnums(t *testing.T) {
	got := make(map[string]string)
	for _, e := range loadSample(t).Enums {
		var b strings.Builder
		for _, v := range e.Values {
			b.WriteString(v.Name + "=" + v.decimal() + " ")
		}
		got[e.Name] = b.String() + e.Type
	}
	want := map[string]string{
		"Colour":  "None=0 Red=1 Green=2 ubyte",
		"Mark":    "First=1 Second=2 Tenth=512 ushort",
		"Extreme": "Low=-5 High=4611686018427387904 long",
	}
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s = %q, want %q", name, got[name], text)
		}
	}
}

func TestLoadDocumentationOfValues(t *testing.T) {
	for _, e := range loadSample(t).Enums {
		if e.Name != "Colour" {
			continue
		}
		if e.Doc != "One byte each." || e.Values[1].Doc != "like blood" || e.Values[2].Doc != "Like grass." {
			t.Errorf("docs = %q, %q, %q", e.Doc, e.Values[1].Doc, e.Values[2].Doc)
		}
	}
}

func TestLoadRefusesOtherBytes(t *testing.T) {
	for _, b := range [][]byte{nil, []byte("short"), []byte("a text of some length")} {
		if _, err := loadSchema("sample", b, ""); err == nil {
			t.Errorf("%q was taken for a binary schema", b)
		}
	}
}

func TestPaddingIsRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		s    Struct
		want string
	}{
		{"between", Struct{Name: "S", Size: 16, Fields: []*Field{{Name: "a", Size: 1}, {Name: "b", Offset: 8, Size: 8}}}, "7 unnamed bytes before b"},
		{"at the end", Struct{Name: "S", Size: 8, Fields: []*Field{{Name: "a", Size: 6}}}, "2 unnamed bytes at its end"},
	} {
		if err := checkPadding(&c.s); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
