package lint

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A source is one text file of the repository.
type source struct {
	path string // from the root, with slashes
	text string

	// Of Go files only.
	file *ast.File
	set  *token.FileSet
}

// A repository is every text file that people write or generate.
type repository []*source

// A finding is one place that breaks a rule.
type finding struct {
	path string
	line int
	text string
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

// textFiles are the endings and names of files that are read.
var textFiles = []string{
	".go", ".fbs", ".md", ".c", ".cc", ".h", ".hpp", ".py", ".java", ".rs", ".sh", ".xml", ".toml", ".yml", ".yaml", ".svg",
	"Makefile", "run", ".gitignore",
}

// skipped are folders that hold nothing of ours.
var skipped = []string{".git", ".tools", "bin", "testdata", "__pycache__", "target", "build"}

// load reads the repository under root.
func load(root string) (repository, error) {
	var repo repository
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains(skipped, d.Name()) {
			return filepath.SkipDir
		}
		if d.IsDir() || !slices.ContainsFunc(textFiles, func(end string) bool { return strings.HasSuffix(d.Name(), end) }) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := newSource(filepath.ToSlash(rel), string(text))
		repo = append(repo, s)
		return err
	})
	return repo, err
}

func newSource(path, text string) (*source, error) {
	s := &source{path: path, text: text}
	if !strings.HasSuffix(path, ".go") {
		return s, nil
	}
	s.set = token.NewFileSet()
	var err error
	s.file, err = parser.ParseFile(s.set, path, text, parser.ParseComments|parser.SkipObjectResolution)
	return s, err
}

// pkg is the folder of the file; the root of the module is ".".
func (s *source) pkg() string { return path.Dir(s.path) }

func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }

// isGenerated reports whether nobody edits the file by hand.
func (s *source) isGenerated() bool {
	if s.file != nil {
		return ast.IsGenerated(s.file)
	}
	head, _, _ := strings.Cut(s.text, "\n\n")
	return strings.Contains(head, "enerated by")
}

func (s *source) at(pos token.Pos, format string, args ...any) finding {
	return finding{s.path, s.set.Position(pos).Line, fmt.Sprintf(format, args...)}
}

// lines is how many lines the file has.
func (s *source) lines() int { return strings.Count(s.text, "\n") }

// goFiles yields the Go files that are written by hand.
func (r repository) goFiles() []*source {
	var list []*source
	for _, s := range r {
		if s.file != nil && !s.isGenerated() {
			list = append(list, s)
		}
	}
	return list
}
