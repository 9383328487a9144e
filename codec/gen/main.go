package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is main with its world passed in, so that tests can call it.
func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("gen", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flatc := flags.String("flatc", "flatc", "the FlatBuffers compiler")
	root := flags.String("root", ".", "root of the repository")
	check := flags.Bool("check", false, "write nothing; fail if a generated file is not up to date")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	program, err := exec.LookPath(*flatc)
	if err == nil {
		program, err = filepath.Abs(program) // flatc runs in the schemas' folder
	}
	if err != nil {
		fmt.Fprintln(stderr, "gen: the FlatBuffers compiler:", err)
		return 1
	}
	t, err := generate(&compiler{flatc: program, root: *root})
	if err == nil && *check {
		err = t.check(*root)
	} else if err == nil {
		err = t.write(*root)
	}
	if err != nil {
		fmt.Fprintln(stderr, "gen:", err)
		return 1
	}
	fmt.Fprintf(stdout, "gen: %d files up to date\n", len(t))
	return 0
}

// generate returns every generated file of the repository.
func generate(c *compiler) (tree, error) {
	schemas, all, err := load(c)
	if err != nil {
		return nil, err
	}
	t := make(tree)
	for _, l := range languages {
		if err := c.accessors(l, schemas, t); err != nil {
			return nil, fmt.Errorf("%s accessors: %w", l.name, err)
		}
	}
	return t, derive(c.root, all, t)
}

// load compiles and reads all schemas.
func load(c *compiler) (schemas []string, all []*Schema, err error) {
	dir := filepath.Join(c.root, "codec", "schema")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("schemas: %w", err)
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".fbs")
		if !ok {
			continue
		}
		bfbs, err := c.binary(e.Name())
		if err != nil {
			return nil, nil, err
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, nil, err
		}
		s, err := loadSchema(name, bfbs, string(text))
		if err != nil {
			return nil, nil, err
		}
		schemas, all = append(schemas, e.Name()), append(all, s)
	}
	if len(schemas) == 0 {
		return nil, nil, fmt.Errorf("schemas: no .fbs file in %s", dir)
	}
	return schemas, all, checkNames(all)
}

// derive adds what is made from the model rather than by flatc.
func derive(root string, all []*Schema, t tree) error {
	files, err := goLayout(all)
	if err != nil {
		return err
	}
	for name, text := range files {
		t["codec/layout/"+name] = text
	}
	constants, err := loadConstants(root, files)
	if err != nil {
		return err
	}
	header, err := cHeader(all, constants)
	if err != nil {
		return fmt.Errorf("layout.h: %w", err)
	}
	java, err := javaLayout(all, constants)
	if err != nil {
		return fmt.Errorf("constants for Java: %w", err)
	}
	registry, err := goRegistry(all)
	if err != nil {
		return fmt.Errorf("table of structs: %w", err)
	}
	t["cbindings/include/ringcast/layout.h"] = []byte(header)
	t["cbindings/java/src/main/java/io/github/ringcast/fb/Layout.java"] = []byte(java)
	t["cbindings/test/image_reader_c_generated.c"] = []byte(cReader(all))
	t["cbindings/test/image_reader_cpp_generated.cc"] = []byte(cppReader(all))
	t["codec/golden/structures_generated.go"] = registry
	t["codec/golden/nested_generated.txt"] = []byte(nestedText(all))
	t["spec/layout.md"] = []byte(specText(all, constants))
	return nil
}
