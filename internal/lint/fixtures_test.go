package lint

import "strings"

// below is a file of package p under a folder, with a body.
func below(body string) string { return "// Package p is a fixture.\npackage p\n" + body }

// longFunction has n lines, its braces included.
func longFunction(n int) string { return "func f() {\n" + strings.Repeat("\n", n-2) + "}\n" }

// The words below are put together, or the rules would find them here.
const (
	machineWord   = "/wo" + "rk/main"
	temporaryWord = "/tm" + "p/ring"
	sharedWord    = "../sha" + "red"
)

var fixtures = map[string][]fixture{
	"imports": {
		{"the protocol reaches for a ring", map[string]string{"mcast/a.go": below("import _ \"github.com/ringcast/ringcast/ring\"\n")},
			[]string{"mcast/a.go:3: mcast must not import ring"}},
		{"so does its test", map[string]string{"mcast/a_test.go": below("import _ \"github.com/ringcast/ringcast/shm\"\n")},
			[]string{"mcast/a_test.go:3: mcast must not import shm"}},
		{"the client reaches for the network", map[string]string{"a.go": below("import _ \"github.com/ringcast/ringcast/mcast\"\n")},
			[]string{"a.go:3: . must not import mcast"}},
		{"the forwarder reaches for the client", map[string]string{"internal/forward/a.go": below("import _ \"github.com/ringcast/ringcast\"\n")},
			[]string{"internal/forward/a.go:3: internal/forward must not import ."}},
		{"a package that nobody listed", map[string]string{"new/a.go": below("import _ \"github.com/ringcast/ringcast/codec/layout\"\n")},
			[]string{"new/a.go:3: new must not import codec/layout"}},
		{"what is allowed", map[string]string{
			"ring/a.go":         below("import _ \"github.com/ringcast/ringcast/shm\"\nimport _ \"github.com/ringcast/ringcast/internal/platform\"\n"),
			"mcast/a_test.go":   below("import _ \"github.com/ringcast/ringcast/mcast/simnet\"\n"),
			"shm/ext_test.go":   below("import _ \"github.com/ringcast/ringcast/shm\"\n"),
			"cmd/ringcast/a.go": below("import _ \"github.com/ringcast/ringcast\"\nimport _ \"fmt\"\n"),
		}, nil},
	},
	"single": {
		{"all that could run at once", map[string]string{
			"Makefile":    "SINGLE := a b\n",
			"a/a.go":      below("import \"sync\"\nvar w sync.WaitGroup\nfunc f() { go f() }\n"),
			"b/b.go":      below("import _ \"github.com/ringcast/ringcast/c\"\nimport _ \"unsafe\"\n"),
			"b/b_test.go": below("func f(t *testing.T) { t.Parallel() }\n"),
		}, []string{
			"a/a.go:3: sync", "a/a.go:5: a goroutine", "b/b.go:3: ringcast/c", "b/b.go:4: unsafe", "b/b_test.go:3: Parallel",
		}},
		{"only what is on the list, and among themselves", map[string]string{
			"Makefile": "SINGLE := a b\n",
			"a/a.go":   below("import _ \"github.com/ringcast/ringcast/b\"\n"),
			"b/b.go":   below("import _ \"fmt\"\n"),
			"c/c.go":   below("func f() { go f() }\n"),
		}, nil},
	},
	"parity": {
		{"nothing is shown", map[string]string{"doc/parity.md": "| waha | here | test |\n| --- | --- | --- |\n| a | kept | |\n"},
			[]string{"doc/parity.md:3: no test is named"}},
		{"a test that is not there", map[string]string{"doc/parity.md": "| a | kept, better | `b.TestA` |\n", "b/a_test.go": below("func TestAB() {}\n")},
			[]string{"doc/parity.md:1: no test TestA in b"}},
		{"a row without an end", map[string]string{"doc/parity.md": "| a | later | `b.TestA` |\n| a | kept |\n", "b/a_test.go": below("func TestA() {}\n")},
			[]string{"doc/parity.md:1: a row wants", "doc/parity.md:2: a row wants three cells"}},
		{"each end", map[string]string{"doc/parity.md": "# x\n| a | kept | `b.TestA`, `c/d.TestB` |\n| a | replaced by x | `b.TestA` |\n| a | dropped because of y | |\n",
			"b/a_test.go": below("func TestA() {}\n"), "c/d/a_test.go": below("func TestB() {}\n")}, nil},
	},
	"links": {
		{"nowhere", map[string]string{"doc/a.md": "# A\n\n[b](b.md), [c](../c.md#here),\n[up](#a), [own](#b)\n", "c.md": "# There\n"},
			[]string{"doc/a.md:3: link b.md: there is no doc/b.md", "doc/a.md:3: link ../c.md#here: c.md has no heading", "doc/a.md:4: link #b: doc/a.md has no heading"}},
		{"where it leads", map[string]string{
			"README.md": "[a](doc/a.md#a-b-and-c), [again](doc/a.md#x-1), [folder](doc) ([web](https://example.org/x), `[no](link)`)\n```\n[none](none)\n# none\n```\n",
			"doc/a.md":  "# A `b`, and [c](../README.md)!\n## X\n## X\n",
		}, nil},
	},
	"decisions": {
		{"in no list", map[string]string{"doc/decisions/001-a.md": "# 001: a\n", "doc/decisions/README.md": "# Decisions\n"},
			[]string{"doc/decisions/001-a.md:1: it is not in doc/decisions/README.md"}},
		{"two of one number, and another one in the heading", map[string]string{
			"doc/decisions/001-a.md": "# 001: a\n", "doc/decisions/001-b.md": "# 002: b\n", "doc/decisions/README.md": "[a](001-a.md) [b](001-b.md)\n"},
			[]string{"doc/decisions/001-b.md:1: another decision", "doc/decisions/001-b.md:1: its first line"}},
		{"one that nobody took", map[string]string{"ring/a.go": below("// Decision 404 says why.\n")}, []string{"ring/a.go:3: there is no decision 404"}},
		{"one that is there", map[string]string{"doc/decisions/001-a.md": "# 001: a\n", "doc/decisions/README.md": "[a](001-a.md)\n",
			"b.md": "doc/decisions/001, decision 001, doc/decisions\n"}, nil},
	},
	"modules": {
		{"a stranger", map[string]string{"shm/a.go": below("import _ \"github.com/stretchr/testify/assert\"\n")},
			[]string{"shm/a.go:3: testify"}},
		{"one that only begins like a known one", map[string]string{"shm/a.go": below("import _ \"golang.org/x/system\"\n")},
			[]string{"shm/a.go:3: golang.org/x/system"}},
		{"known ones", map[string]string{"shm/a.go": below("import _ \"golang.org/x/sys/unix\"\nimport _ \"encoding/json\"\n")}, nil},
	},
	"unsafe": {
		{"in an ordinary file", map[string]string{"ring/a.go": below("import _ \"unsafe\"\n")}, []string{"ring/a.go:3: unsafe"}},
		{"in an ordinary test", map[string]string{"ring/a_test.go": below("import _ \"unsafe\"\n")}, []string{"ring/a_test.go:3: unsafe"}},
		{"where it may", map[string]string{
			"ring/a_unsafe.go":      below("import _ \"unsafe\"\n"),
			"ring/a_unsafe_test.go": below("import _ \"unsafe\"\n"),
		}, nil},
	},
	"atomics": {
		{"a function", map[string]string{"ring/a.go": below("import \"sync/atomic\"\nvar x uint64\nvar y = atomic.LoadUint64(&x)\n")},
			[]string{"ring/a.go:5: atomic.LoadUint64"}},
		{"under another name", map[string]string{"ring/a.go": below("import at \"sync/atomic\"\nvar x uint32\nfunc f() { at.CompareAndSwapUint32(&x, 0, 1) }\n")},
			[]string{"ring/a.go:5: at.CompareAndSwapUint32"}},
		{"the typed ones", map[string]string{"ring/a.go": below("import \"sync/atomic\"\nvar x atomic.Uint64\nvar y = x.Load()\n")}, nil},
	},
	"lengths": {
		{"a function of one line too many", map[string]string{"ring/a.go": below(longFunction(71))}, []string{"ring/a.go:3: f has 71 lines"}},
		{"a file of one line too many", map[string]string{"ring/a.go": below(strings.Repeat("\n", 499))}, []string{"ring/a.go:1: 501 lines"}},
		{"as long as may be", map[string]string{"ring/a.go": below(longFunction(70) + strings.Repeat("\n", 428))}, nil},
		{"functions of other languages", map[string]string{
			"a.c":    "#define BRACE {\nstatic int f(int a,\n\tint b)\n{" + strings.Repeat("\n\tif (a) { b(\"}\", '}'); } /* } */", 35) + strings.Repeat("\n", 34) + "}\n",
			"a.cc":   "namespace {\nTEST_F(T, Name)\n{" + strings.Repeat("\n", 70) + "}\n}\n",
			"a.java": "final class A {\n  @Override\n  <T> void f(List<T> l) throws E {" + strings.Repeat("\n// {", 70) + "\n  }\n}\n",
			"a.py":   "class A:\n    async def f(\n        self,\n    ):\n        \"\"\"What\nit is.\"\"\"\n" + strings.Repeat("\n", 65) + "        pass\n    x = 1\n",
			"a.rs":   "impl<'a> A<'a> {\n    pub fn f<T>(&'a self) -> T\n    where\n        T: B,\n    {\n" + strings.Repeat("\n", 66) + "    }\n}\n",
		}, []string{"a.c:2: f has 72 lines", "a.cc:2: TEST_F has 72 lines", "a.java:2: f has 73 lines", "a.py:2: f has 71 lines", "a.rs:2: f has 71 lines"}},
		{"files of other languages", map[string]string{
			"a.c": strings.Repeat("\n", 501), "a.sh": strings.Repeat("\n", 501), "a.md": strings.Repeat("\n", 900),
			"b.h": "/* Generated by codec/gen. */\n\n" + strings.Repeat("\n", 900),
		}, []string{"a.c:1: 501 lines", "a.sh:1: 501 lines"}},
		{"many short functions", map[string]string{
			"a.c":    strings.Repeat("struct s *f(struct s *a)\n{\n\tswitch (a) {\n\tcase '\\'':\n\t\tfor (;;) {\n\t\t}\n\t}\n}\n", 50),
			"a.java": "enum A {\n" + strings.Repeat("  int f() {\n    l.run(() -> {\n    });\n    new T() {\n    };\n  }\n", 30) + "}\n",
			"a.py":   strings.Repeat("def f():\n    return [\n]\n\n", 100),
		}, nil},
		{"generated", map[string]string{"ring/a.go": "// Code generated by x. DO NOT EDIT.\n" + below(longFunction(900))}, nil},
	},
	"names": {
		{"a file for everything", map[string]string{"ring/util.go": below("")}, []string{"ring/util.go:1: role"}},
		{"and its test", map[string]string{"ring/types_test.go": below("")}, []string{"ring/types_test.go:1: role"}},
		{"a role", map[string]string{"ring/claim.go": below("")}, nil},
	},
	"docs": {
		{"names without a comment", map[string]string{"ring/a.go": below("func F() {}\ntype T struct{}\nfunc (*T) M() {}\nconst C = 1\nvar V, w int\n")},
			[]string{"ring/a.go:3: F has", "ring/a.go:4: T has", "ring/a.go:5: M has", "ring/a.go:6: C has", "ring/a.go:7: V has"}},
		{"a function called like a method that needs none", map[string]string{"ring/a.go": below("func String() {}\n")},
			[]string{"ring/a.go:3: String has"}},
		{"a type in a group with one comment", map[string]string{"ring/a.go": below("// Both.\ntype (\n\tA int\n\tB int\n)\n")},
			[]string{"ring/a.go:5: A has", "ring/a.go:6: B has"}},
		{"a package without a comment", map[string]string{"ring/a.go": "package ring\n", "ring/b.go": "package ring\n"},
			[]string{"ring/a.go:1: package ring"}},
		{"what needs none", map[string]string{
			"ring/a.go":      below("// F is.\nfunc F() {}\n\nconst (\n\tA = 1 // A is.\n\t// B is.\n\tB = 2\n)\n\ntype t[K any] struct{}\n\nfunc (t[K]) M() {}\n\n// E is.\ntype E struct{}\n\nfunc (E) Error() string { return \"\" }\n"),
			"ring/a_test.go": below("func TestF() {}\n"),
			"internal/x.go":  below("func F() {}\n"),
			"cmd/r/main.go":  below("func F() {}\n"),
		}, nil},
	},
	"skips": {
		{"a test", map[string]string{"ring/a_test.go": below("func F(t T) {\n\tt.Skip(\"later\")\n}\n")}, []string{"ring/a_test.go:4: skip"}},
		{"a benchmark", map[string]string{"ring/a_test.go": below("func F(b B) {\n\tb.SkipNow()\n}\n")}, []string{"ring/a_test.go:4: skip"}},
		{"something else that skips", map[string]string{"ring/a.go": below("func f(r R) { r.Skip(1) }\n")}, nil},
	},
	"pairs": {
		{"one side only", map[string]string{"ring/a.go": below("// pairs(commit): makes it visible\n")}, []string{"ring/a.go:3: pairs(commit)"}},
		{"the other side in a test does not count", map[string]string{
			"ring/a.go":      below("// pairs(commit): makes it visible\n"),
			"ring/a_test.go": below("// pairs(commit): sees it\n"),
		}, []string{"ring/a.go:3: pairs(commit)"}},
		{"both sides, in two languages", map[string]string{
			"ring/a.go":          below("// pairs(commit): makes it visible\n"),
			"cbindings/src/rc.c": "/* pairs(commit): sees it */\n",
		}, nil},
	},
	"paths": {
		{"in code", map[string]string{"ring/a.go": below("// see " + machineWord + "\n")}, []string{"ring/a.go:3: path"}},
		{"in a text", map[string]string{"README.md": "go to " + sharedWord + " first\n"}, []string{"README.md:1: path"}},
		{"for temporary files", map[string]string{"Makefile": "cp a " + temporaryWord + "\n"}, []string{"Makefile:1: path"}},
		{"machine in a test", map[string]string{"ring/a_test.go": below("// see " + machineWord + "\n")}, []string{"ring/a_test.go:3: path"}},
		{"what may be", map[string]string{
			"ring/a_test.go": below("// see " + temporaryWord + "\n"),
			"README.md":      "net" + machineWord + " and /dev/shm/x\n",
		}, nil},
	},
}
