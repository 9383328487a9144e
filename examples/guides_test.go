package examples

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A block is code that stands in a guide, between two fences.
type block struct {
	guide string // its path in the repository
	line  int    // of its first line
	text  string
}

// blocks are all blocks of a language in README.md and doc.
func blocks(t *testing.T, language string) (list []block) {
	t.Helper()
	guides, err := filepath.Glob("../doc/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(guides, "../README.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		guide := strings.TrimPrefix(path, "../")
		within := false
		for i, line := range strings.SplitAfter(string(text), "\n") {
			switch {
			case within && line == "```\n":
				within = false
			case within:
				list[len(list)-1].text += line
			case line == "```"+language+"\n":
				within = true
				list = append(list, block{guide, i + 2, ""})
			}
		}
	}
	if len(list) == 0 {
		t.Fatalf("no guide has a block of %s", language)
	}
	return list
}

// written puts a block for a compiler, which then calls its lines by the guide's; what the guide leaves out, as
// "...", becomes filler.
func (b block) written(line, filler string) string {
	return fmt.Sprintf(line, b.line, b.guide) + strings.ReplaceAll(b.text, "...", filler)
}

// source is a file of a folder of its own.
func source(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// aroundGo is what the guides' blocks in Go take for granted.
const aroundGo = `package main

import (
	"bytes"
	"context"
	"log"

	"github.com/ringcast/ringcast"
)

func main() {}

var (
	bus, other                 *ringcast.Bus
	payload, question, answer  []byte
	questions                  [][]byte
	futures                    []*ringcast.Future
	handler                    ringcast.Handler
	use                        func([]byte)
	price                      func([]byte) []byte
	ctx                        = context.Background()
	_, _                       = bytes.ToUpper, log.Print
)
`

// unusedInGo is what a compiler says of a block that ends where its values would be used, and of nothing else.
var unusedInGo = regexp.MustCompile(`(?m)^(#.*|.*: declared and not used: .*)\n`)

// TestGuidesInGo compiles every block of Go, and runs those that are programs.
func TestGuidesInGo(t *testing.T) {
	text := aroundGo
	for _, b := range blocks(t, "go") {
		if strings.HasPrefix(b.text, "package main\n") {
			if out := output(t, command(t, t.TempDir(), "go", "run", source(t, "main.go", b.text))); out != "tea.green: two cups\n" {
				t.Errorf("%s:%d: the program printed %q", b.guide, b.line, out)
			}
			continue
		}
		text += "\nfunc _() error {\n\tvar err error\n\t{\n" + b.written("//line %[2]s:%[1]d\n", "") + "\n}\nreturn err\n}\n"
	}
	build := command(t, "", "go", "build", "-gcflags=-e", "-o", os.DevNull, source(t, "guides.go", text))
	out, err := build.CombinedOutput()
	if rest := unusedInGo.ReplaceAllString(string(out), ""); rest != "" || err != nil && len(out) == 0 {
		t.Errorf("%v: %v\n%s", build.Args, err, rest)
	}
}

// TestGuidesInC compiles every block of C.
func TestGuidesInC(t *testing.T) {
	text := "#include <stdio.h>\n#include <ringcast.h>\n"
	for i, b := range blocks(t, "c") {
		text += fmt.Sprintf("static void guide%d(rc_domain *domain)\n{\n{\n", i) + b.written("#line %d \"%s\"\n", ";") + "}\n}\n"
	}
	output(t, command(t, "", "cc", "-std=c11", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Icbindings/include", source(t, "guides.c", text)))
}

// aroundCpp is what the guides' blocks in C++ take for granted.
const aroundCpp = `#include <iostream>
#include <ringcast.hpp>
#include <ringcast/flatbuffers.hpp>
#include "order_generated.h"
template <class T> void use(const T &) {}
static std::string price(std::string_view) { return "17"; }
`

// TestGuidesInCpp compiles every block of C++, and runs those that are programs.
func TestGuidesInCpp(t *testing.T) {
	build := makeC(t, "all")
	flags := []string{"-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused", "-Icbindings/include", "-Iexamples/cpp", "-isystem", flatBuffersInclude(t)}
	text := aroundCpp
	for i, b := range blocks(t, "cpp") {
		if strings.Contains(b.text, "int main(") {
			bin := filepath.Join(t.TempDir(), "program")
			output(t, command(t, "", "c++", append(flags, "-o", bin, source(t, "program.cc", b.text), filepath.Join(build, "libringcast.a"), "-pthread")...))
			if out := output(t, command(t, t.TempDir(), bin)); out != "17\n" {
				t.Errorf("%s:%d: the program printed %q", b.guide, b.line, out)
			}
			continue
		}
		text += fmt.Sprintf("void guide%d(ringcast::domain &domain, ringcast::publisher &publisher, const ringcast::message &message)\n{\n", i) +
			b.written("#line %d \"%s\"\n", ";") + "}\n"
	}
	output(t, command(t, "", "c++", append(flags, "-fsyntax-only", source(t, "guides.cc", text))...))
}

// TestGuidesInJava compiles every block of Java.
func TestGuidesInJava(t *testing.T) {
	makeJava(t)
	text := "import io.github.ringcast.*;\nclass Guides {\n" +
		"static void handle(java.nio.ByteBuffer payload) {}\nstatic String square(String text) { return text; }\n"
	for i, b := range blocks(t, "java") {
		text += fmt.Sprintf("static void guide%d(byte[] bytes) throws Exception {\n", i) + b.written("// %[2]s:%[1]d\n", "{}") + "}\n"
	}
	file := source(t, "Guides.java", text+"}\n")
	output(t, command(t, "", "javac", "-Xlint:all,-try", "-Werror", "-d", filepath.Dir(file), "-cp", inJava, file))
}
