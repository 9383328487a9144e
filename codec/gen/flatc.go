package main

import (
	"bytes"
	"fmt"
	"go/format"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A language is one flatc run: its options and where its files belong.
type language struct {
	name    string
	options []string
	from    string // folder of flatc's output that is taken
	to      string // folder of the repository
	ext     string
}

var languages = []language{
	{"Go", []string{"--go"}, "ringcast/fb", "codec/fb", ".go"},
	{"C++", []string{"--cpp", "--cpp-std", "c++17", "--gen-mutable"}, "", "cbindings/include/ringcast/fb", ".h"},
	{"Java", []string{"--java", "--gen-mutable", "--java-package-prefix", "io.github"}, "io/github/ringcast/fb", "cbindings/java/src/main/java/io/github/ringcast/fb", ".java"},
	{"Python", []string{"--python"}, "ringcast/fb", "cbindings/python/ringcast/fb", ".py"},
}

// javaRuntime is the newest FlatBuffers runtime for Java that is published;
// generated tables ask for the compiler's own version, which is not.
const (
	javaCompiler = "FLATBUFFERS_25_12_19"
	javaRuntime  = "FLATBUFFERS_25_2_10"
)

// javaMutator matches a setter in place. flatc calls its parameter like the
// field, also where that is a word of Java ("int class").
var javaMutator = regexp.MustCompile(`(void mutate\w+\(\w+ )\w+(\) \{ .*\W)\w+\); \}`)

// A compiler runs flatc over the schemas of one repository.
type compiler struct {
	flatc string
	root  string
}

func (c *compiler) run(out string, schemas []string, options ...string) error {
	args := append([]string{"-o", out}, options...)
	cmd := exec.Command(c.flatc, append(args, schemas...)...)
	cmd.Dir = filepath.Join(c.root, "codec", "schema")
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("flatc %s: %w\n%s", strings.Join(options, " "), err, text)
	}
	return nil
}

// binary returns the binary schema of one file.
func (c *compiler) binary(schema string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "ringcast-bfbs-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	err = c.run(dir, []string{schema}, "-b", "--schema", "--bfbs-comments", "--bfbs-builtins", "--bfbs-filenames", ".")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, strings.TrimSuffix(schema, ".fbs")+".bfbs"))
}

// accessors adds flatc's files of one language to the tree.
func (c *compiler) accessors(l language, schemas []string, t tree) error {
	dir, err := os.MkdirTemp("", "ringcast-flatc-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := c.run(dir, schemas, l.options...); err != nil {
		return err
	}
	from := filepath.Join(dir, filepath.FromSlash(l.from))
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != l.ext {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t[l.to+"/"+d.Name()], err = tidy(l, text)
		return err
	})
}

// tidy makes flatc's text fit its surroundings.
func tidy(l language, text []byte) ([]byte, error) {
	switch l.name {
	case "Go":
		return format.Source(text)
	case "Java":
		text = bytes.ReplaceAll(text, []byte(javaCompiler), []byte(javaRuntime))
		text = javaMutator.ReplaceAll(text, []byte("${1}value${2}value); }"))
	}
	return append(bytes.TrimRight(text, "\n"), '\n'), nil
}
