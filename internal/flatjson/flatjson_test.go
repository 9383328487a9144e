package flatjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const plenty = 1 << 20

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// all is the schema of testdata/all.fbs.
func all(t testing.TB) *Schema {
	t.Helper()
	s, err := Parse(read(t, "all.bfbs"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func show(t testing.TB, s *Schema, payload []byte) string {
	t.Helper()
	b, err := s.AppendJSON(nil, payload, plenty)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatalf("not JSON: %s", b)
	}
	return string(b)
}

func build(t testing.TB, s *Schema, text string) []byte {
	t.Helper()
	b, err := s.Build([]byte(text), plenty)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return b
}

// same reports whether two texts say the same: 1.0 is 1, and integers are exact.
func same(t testing.TB, a, b string) bool {
	t.Helper()
	return reflect.DeepEqual(values(t, a), values(t, b))
}

// whole is a number that flatc writes with a point all the same.
var whole = regexp.MustCompile(`(\d)\.0([,\s}\]])`)

func values(t testing.TB, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(whole.ReplaceAllString(text, "$1$2")))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestLikeFlatc: the payload that flatc made of a text reads as flatc's own JSON of it, and
// what is built of that text, or of the JSON, reads the same.
func TestLikeFlatc(t *testing.T) {
	s := all(t)
	want := string(read(t, "all.shown.json"))
	theirs := show(t, s, read(t, "all.bin"))
	if !same(t, theirs, want) {
		t.Errorf("flatc's payload reads\n%s, want\n%s", theirs, want)
	}
	ours := build(t, s, string(read(t, "all.json")))
	if got := show(t, s, ours); got != theirs {
		t.Errorf("ours reads\n%s, want\n%s", got, theirs)
	}
	if got := show(t, s, build(t, s, theirs)); got != theirs {
		t.Errorf("the second time it reads\n%s, want\n%s", got, theirs)
	}
	if string(ours[4:8]) != "ALLT" {
		t.Errorf("file identifier %q", ours[4:8])
	}
	if s.Root() != "all.All" {
		t.Errorf("root %q", s.Root())
	}
	golden := read(t, "all.ours.bin") // which flatc reads, too: `make generated`
	if !bytes.Equal(ours, golden) {
		t.Errorf("ours is not testdata/all.ours.bin any more: %x", ours)
	}
}

// TestForms are forms of the same value, and what is shown of them.
func TestForms(t *testing.T) {
	s := all(t)
	for _, one := range []struct{ text, part string }{
		{`{"name":""}`, `"tiny":-3`},
		{`{"name":""}`, `"real":0.5`},
		{`{"name":""}`, `"color":"green"`},
		{`{"name":""}`, `"sides":0`},
		{`{"name":"","tiny":-3}`, `"tiny":-3`},
		{`{"name":"","signed":2e3,"high":3.0}`, `"high":3,"signed":2000`},
		{`{"name":"","long":"-9223372036854775808","ulong":"18446744073709551615"}`, `"long":-9223372036854775808,"ulong":18446744073709551615`},
		{`{"name":"","double":"NaN","real":"-Infinity"}`, `"real":"-Infinity","double":"NaN"`},
		{`{"name":"","color":7}`, `"color":"blue"`},
		{`{"name":"","color":99}`, `"color":99`},
		{`{"name":"","sides":5}`, `"sides":"left top"`},
		{`{"name":"","sides":"top  left"}`, `"sides":"left top"`},
		{`{"name":"","sides":8}`, `"sides":8`},
		{`{"name":"","bytes":"AAH/"}`, `"bytes":[0,1,255]`},
		{`{"name":"","maybe":0}`, `"maybe":0`},
		{`{"name":"","maybe":null,"leaf":null}`, `"any_type":"NONE","last":0}`},
		{` { "name" : "\"\\\/\u00e9" , "names" : [ "]" , "}" , "\\" ] } `, `"name":"\"\\/é"`},
		{`{"name":"","any":"T","any_type":"title"}`, `"any_type":"title","any":"T"`},
		{`{"name":"","many":[],"many_type":[]}`, `"many_type":[],"many":[]`},
		{`{"name":"","point":{"y":1,"x":2}}`, `"point":{"x":2,"y":1}`},
	} {
		if got := show(t, s, build(t, s, one.text)); !strings.Contains(got, one.part) {
			t.Errorf("%s: %s, want %s in it", one.text, got, one.part)
		}
	}
}

// TestRefuses is bad JSON: each error has the path and the reason.
func TestRefuses(t *testing.T) {
	s := all(t)
	deep := strings.Repeat(`{"next":`, 70)
	for _, one := range []struct{ text, want string }{
		{``, "not JSON: EOF"},
		{`{"name":}`, "not JSON: invalid character '}'"},
		{`{} {}`, "more than one JSON value"},
		{"{\"name\":\"\xff\"}", "not UTF-8"},
		{`[]`, "an array, want an object: all.All"},
		{`{}`, "all.All needs the field name"},
		{`{"name":1}`, "name: a number, want a string"},
		{`{"name":"","name":""}`, "name comes twice"},
		{`{"name":"","nmae":""}`, `all.All has no field "nmae"`},
		{`{"name":"","gone":1}`, `all.All has no field "gone"`},
		{`{"name":"","tiny":128}`, "tiny: 128 is no integer from -128 to 127"},
		{`{"name":"","small":-1}`, "small: -1 is no integer from 0 to 255"},
		{`{"name":"","low":1.5}`, "low: 1.5 is no integer from -32768 to 32767"},
		{`{"name":"","ulong":18446744073709551616}`, "ulong: 18446744073709551616 is no integer from 0 to 18446744073709551615"},
		{`{"name":"","flag":1}`, "flag: a number, want true or false"},
		{`{"name":"","signed":true}`, "signed: a truth value, want an integer"},
		{`{"name":"","signed":[]}`, "signed: an array, want an integer"},
		{`{"name":"","double":"x"}`, "double: x is no number of 64 bits"},
		{`{"name":"","real":1e300}`, "real: 1e300 is no number of 32 bits"},
		{`{"name":"","color":"violet"}`, `color: "violet" is none of none, red, green, blue`},
		{`{"name":"","colors":["red","x"]}`, `colors[1]: "x" is none of none, red, green, blue`},
		{`{"name":"","sides":"left down"}`, `sides: "down" is none of left, right, top`},
		{`{"name":"","names":["a",null]}`, "names[1]: null in a vector"},
		{`{"name":"","names":"a"}`, "names: a string, want an array"},
		{`{"name":"","bytes":"?"}`, "bytes: bytes as a string have to be base64"},
		{`{"name":"","bytes":[256]}`, "bytes[0]: 256 is no integer"},
		{`{"name":"","point":{"x":1}}`, "point: all.Point needs the field y: a struct has all of them"},
		{`{"name":"","point":{"x":1,"y":2,"z":3}}`, `point: all.Point has no field "z"`},
		{`{"name":"","grid":{"corner":{"x":1,"y":2},"cells":[1,2],"hues":["red","green"],"side":0}}`, "grid.cells: 2 elements, want 3"},
		{`{"name":"","branches":[{"leaves":[{},{"weight":"w"}]}]}`, "branches[0].leaves[1].weight: w is no number"},
		{`{"name":"","any":{}}`, "any needs any_type beside it"},
		{`{"name":"","any_type":"Leaf"}`, "any_type: any is not there"},
		{`{"name":"","any_type":"NONE","any":{}}`, "any: a union of type NONE"},
		{`{"name":"","any_type":9,"any":{}}`, "any: a union of type NONE, or of one that the schema has not"},
		{`{"name":"","any_type":"Point","any":{"x":"","y":1}}`, "any.x: "},
		{`{"name":"","many":[{}],"many_type":[]}`, "many: 1 unions with 0 types"},
		{`{"name":"","many":[{},{"weight":[]}],"many_type":["Leaf","Leaf"]}`, "many[1].weight: an array, want a number"},
		{`{"name":"","branches":[` + deep + `{}` + strings.Repeat("}", 70) + `]}`, "tables nested deeper than 64"},
	} {
		b, err := s.Build([]byte(one.text), plenty)
		var fault *FaultError
		if !errors.As(err, &fault) || !strings.Contains(err.Error(), one.want) || b != nil {
			t.Errorf("%.80s: %v, want %q", one.text, err, one.want)
		}
	}
}

// TestLimits: neither a payload nor a text grows beyond what it may.
func TestLimits(t *testing.T) {
	s := all(t)
	text := []byte(`{"name":"` + strings.Repeat("x", 1000) + `"}`)
	whole := build(t, s, string(text))
	if _, err := s.Build(text, len(whole)-1); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("payload: %v", err)
	}
	shown, err := s.AppendJSON([]byte("before"), whole, plenty)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AppendJSON(nil, whole, len(shown)-len("before")-1); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("JSON: %v", err)
	}
	if b, err := s.AppendJSON([]byte("before"), whole[:20], plenty); err == nil || string(b) != "before" {
		t.Errorf("half a payload: %q, %v", b, err)
	}
}

// TestSharedParts: a small payload may refer to one table many times, on every level; what
// is shown of it stays within its limit.
func TestSharedParts(t *testing.T) {
	s := all(t)
	const times = 100
	list := func(one string) string { return "[" + strings.TrimSuffix(strings.Repeat(one+",", times), ",") + "]" }
	payload := build(t, s, `{"name":"","branches":`+list(`{"leaves":`+list(`{"text":"x"}`)+`}`)+`}`)
	c := &scan{b: payload}
	share := func(at, entry int) int { // has all elements of a vector lead to its last one
		first, n := c.vector(c.field(c.table(at), entry, 4), 4)
		last := c.follow(first + 4*(n-1))
		for i := range n {
			binary.LittleEndian.PutUint32(payload[first+4*i:], uint32(last-first-4*i))
		}
		return last
	}
	if share(share(c.follow(0), s.root.byName["branches"].at), s.root.byName["branches"].is.object.byName["leaves"].at); !c.ok() {
		t.Fatal(c.err())
	}
	if shown := show(t, s, payload); strings.Count(shown, `"text":"x"`) != times*times {
		t.Errorf("%d leaves, want %d", strings.Count(shown, `"text":"x"`), times*times)
	}
	if _, err := s.AppendJSON(nil, payload, 10_000); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%d leaves in 10,000 bytes: %v", times*times, err)
	}
}

// TestEveryByteMatters: with any byte of a payload or a schema changed, or its end missing,
// there is an answer or an error.
func TestEveryByteMatters(t *testing.T) {
	s := all(t)
	payload, schema := read(t, "all.bin"), read(t, "all.bfbs")
	for i := range payload {
		for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff, payload[i] ^ 1} {
			b := bytes.Clone(payload)
			b[i] = v
			checkShown(t, s, b)
		}
		checkShown(t, s, payload[:i])
	}
	for i := range schema {
		for _, v := range []byte{0, 0xff, schema[i] ^ 4} {
			b := bytes.Clone(schema)
			b[i] = v
			if s, err := Parse(b); err == nil {
				checkShown(t, s, payload)
			}
		}
		if _, err := Parse(schema[:i]); err == nil && i < len(schema)-8 { // the last ones fill up
			t.Fatalf("the first %d bytes of a schema pass", i)
		}
	}
}

// checkShown holds what AppendJSON promises of any payload.
func checkShown(t testing.TB, s *Schema, payload []byte) {
	t.Helper()
	const limit = 1 << 16
	out, err := s.AppendJSON(nil, payload, limit)
	switch {
	case err != nil && out != nil:
		t.Fatalf("%x: an error and %d bytes", payload, len(out))
	case err == nil && (len(out) > limit || !json.Valid(out)):
		t.Fatalf("%x: %d bytes, not JSON: %s", payload, len(out), out)
	}
}

// TestParseRefuses is what no schema may have.
func TestParseRefuses(t *testing.T) {
	for reason, b := range map[string][]byte{
		"no BFBS":      []byte("12345678"),
		"at most":      make([]byte, maxSchema+1),
		"no root_type": read(t, "rootless.bfbs"),
	} {
		if _, err := Parse(b); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

func FuzzShow(f *testing.F) {
	s := all(f)
	f.Add(read(f, "all.bin"))
	f.Add(read(f, "all.ours.bin"))
	f.Fuzz(func(t *testing.T, payload []byte) {
		checkShown(t, s, payload)
		shown, err := s.AppendJSON(nil, payload, plenty)
		if err != nil || bytes.Contains(shown, []byte(`null`)) {
			return // a union whose member nobody knows has no way back
		}
		if b, err := s.Build(shown, 64*plenty); err == nil {
			if again := show(t, s, b); again != string(shown) {
				t.Fatalf("%s reads back as %s", shown, again)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	payload := read(f, "all.bin")
	f.Add(read(f, "all.bfbs"))
	f.Add(read(f, "rootless.bfbs"))
	f.Fuzz(func(t *testing.T, schema []byte) {
		s, err := Parse(schema)
		if err != nil {
			return
		}
		checkShown(t, s, payload)
		if b, err := s.Build(read(t, "all.json"), plenty); err == nil {
			checkShown(t, s, b)
		}
	})
}

func FuzzBuild(f *testing.F) {
	s := all(f)
	f.Add(read(f, "all.json"))
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := s.Build(text, plenty)
		if err != nil {
			return
		}
		show(t, s, b)
	})
}
