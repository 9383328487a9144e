package main

import (
	"flag"
	"go/constant"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata")

// expect compares a generated text with the file of testdata.
func expect(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "expected", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; go test ./codec/gen -update shows how\n%s", path, got)
	}
}

var sampleConstants = []*Constant{
	{"Magic", "Magic begins a file.", constant.MakeUint64(0x54534143474e4952)},
	{"Suffix", "Suffix ends a name.", constant.MakeString(".ctl")},
	{"SegmentIDBits", "", constant.MakeInt64(60)},
	{"Lowest", "", constant.MakeInt64(-3)},
}

func TestOutputs(t *testing.T) {
	all := []*Schema{loadSample(t)}
	files, err := goLayout(all)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "sample_generated.go.txt", string(files["sample_generated.go"]))
	header, err := cHeader(all, sampleConstants)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "layout.h", header)
	java, err := javaLayout(all, sampleConstants)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "Layout.java", java)
	expect(t, "layout.md", specText(all, sampleConstants))
	expect(t, "reader.c", cReader(all))
	expect(t, "reader.cc", cppReader(all))
	expect(t, "nested.txt", nestedText(all))
	registry, err := goRegistry(all)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, "structures.go.txt", string(registry))
}

func TestNestedReservedFieldsGetNoConstant(t *testing.T) {
	files, err := goLayout([]*Schema{loadSample(t)})
	if err != nil {
		t.Fatal(err)
	}
	text := string(files["sample_generated.go"])
	if strings.Contains(text, "RecordReserved1Offset") {
		t.Error("reserved1 is a nested struct and has a constant")
	}
	if !strings.Contains(text, "RecordReserved0Offset = 20") {
		t.Error("reserved0 is a number of its own and has no constant")
	}
}

func TestWireHashOnlyWithFrames(t *testing.T) {
	if text := goHashes([]*Schema{{Name: "common"}}); strings.Contains(text, "WireHash") {
		t.Errorf("no frames, but:\n%s", text)
	}
	if text := goHashes([]*Schema{{Name: "common"}, {Name: "frames"}}); !strings.Contains(text, "const WireHash uint64 = 0x") {
		t.Errorf("frames, but:\n%s", text)
	}
}

func TestStructsStandAfterTheirParts(t *testing.T) {
	outer := &Struct{Name: "Outer", Fields: []*Field{{Name: "a", Struct: "Inner"}}}
	got := inOrder([]*Schema{{Structs: []*Struct{outer}}, {Structs: []*Struct{{Name: "Inner"}}}})
	if len(got) != 2 || got[0].Name != "Inner" || got[1].Name != "Outer" {
		t.Errorf("order = %v", got)
	}
}

func TestConstantWithoutAForm(t *testing.T) {
	for _, v := range []constant.Value{constant.MakeFloat64(0.5), constant.MakeBool(true)} {
		if text, err := (&Constant{Name: "X", Value: v}).javaText(); err == nil {
			t.Errorf("%v became %q", v, text)
		}
		if text, err := (&Constant{Name: "X", Value: v}).cText(); err == nil {
			t.Errorf("%v became %q", v, text)
		}
	}
}
