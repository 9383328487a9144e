package lint

import (
	"slices"
	"strings"
	"testing"
)

// TestTree wants no finding of any rule in the whole repository.
func TestTree(t *testing.T) {
	repo, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(repo.goFiles()) < 20 {
		t.Fatalf("only %d Go files found: the walk is broken", len(repo.goFiles()))
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, f := range rule.check(repo) {
				t.Error(f)
			}
		})
	}
}

// A fixture is a small repository and what its rule must find there.
type fixture struct {
	name  string
	files map[string]string
	want  []string // "path:line: " and a part of the text; none: clean
}

func (f fixture) repository(t *testing.T) repository {
	t.Helper()
	var repo repository
	for path, text := range f.files {
		s, err := newSource(path, text)
		if err != nil {
			t.Fatal(err)
		}
		repo = append(repo, s)
	}
	slices.SortFunc(repo, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	return repo
}

// TestFixtures breaks every rule on purpose.
func TestFixtures(t *testing.T) {
	for _, rule := range rules {
		if len(fixtures[rule.name]) < 2 {
			t.Errorf("rule %s has %d fixtures, want one that breaks it and one that does not", rule.name, len(fixtures[rule.name]))
		}
		for _, f := range fixtures[rule.name] {
			t.Run(rule.name+"/"+f.name, func(t *testing.T) {
				compare(t, rule.check(f.repository(t)), f.want)
			})
		}
	}
}

func compare(t *testing.T, got []finding, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("findings = %v, want %d", got, len(want))
	}
	for i, f := range got {
		place, part, _ := strings.Cut(want[i], ": ")
		if text := f.String(); !strings.HasPrefix(text, place+": ") || !strings.Contains(text, part) {
			t.Errorf("finding = %q, want %q", text, want[i])
		}
	}
}

func TestEveryFixtureHasItsRule(t *testing.T) {
	for name := range fixtures {
		if !slices.ContainsFunc(rules, func(r rule) bool { return r.name == name }) {
			t.Errorf("fixtures of %q, which is no rule", name)
		}
	}
}

func TestWhatDoesNotParseIsAnError(t *testing.T) {
	if _, err := newSource("ring/a.go", "package ring\nfunc {"); err == nil {
		t.Error("a file that is not Go was accepted")
	}
}

// TestImportTableHasNoCycle keeps the table itself sane.
func TestImportTableHasNoCycle(t *testing.T) {
	var visit func(pkg string, trail []string)
	visit = func(pkg string, trail []string) {
		if slices.Contains(trail, pkg) {
			t.Fatalf("cycle: %v", append(trail, pkg))
		}
		for _, to := range allowed[pkg] {
			if _, listed := allowed[to]; !listed {
				t.Errorf("%s may import %s, which is not in the table", pkg, to)
			}
			visit(to, append(slices.Clone(trail), pkg))
		}
	}
	for pkg := range allowed {
		visit(pkg, nil)
	}
}

// TestImportTableHasNoSpareEdge: an edge that nobody uses would be allowed to whoever comes, and
// every package of the table but the examples has its row in the architecture.
func TestImportTableHasNoSpareEdge(t *testing.T) {
	repo, err := load("../..")
	if err != nil {
		t.Fatal(err)
	}
	used, text := make(map[[2]string]bool), ""
	for _, s := range repo {
		if s.path == "doc/ARCHITECTURE.md" {
			text = s.text
		}
		if s.file == nil {
			continue
		}
		for _, spec := range s.file.Imports {
			if to, ours := ownPackage(spec.Path.Value); ours {
				used[[2]string{s.pkg(), to}] = true
			}
		}
	}
	for pkg, list := range allowed {
		for _, to := range list {
			if !used[[2]string{pkg, to}] {
				t.Errorf("%s may import %s, and does not", pkg, to)
			}
		}
		if pkg != "." && !strings.HasPrefix(pkg, "examples/") && !strings.Contains(text, "`"+pkg+"`") {
			t.Errorf("doc/ARCHITECTURE.md does not name %s", pkg)
		}
	}
}

// TestPartsThatStayApart says the three sentences of the architecture once
// more, apart from the table.
func TestPartsThatStayApart(t *testing.T) {
	for _, edge := range [][2]string{
		{"mcast", "ring"}, {"mcast", "shm"}, {"mcast/wire", "shm"}, {"mcast/udp", "shm"},
		{".", "mcast"}, {".", "mcast/udp"}, {".", "mcast/wire"}, {".", "internal/forward"},
		{"internal/forward", "."}, {"ring", "mcast"}, {"shm", "ring"}, {"cmd/ringcast", "mcast"},
	} {
		if edgeAllowed(edge[0], edge[1], false) {
			t.Errorf("%s may import %s", edge[0], edge[1])
		}
	}
}
