package examples

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// inJava is what the programs in Java run with.
const inJava = "cbindings/java/target/*:cbindings/java/target/lib/*"

// makeJava builds ringcast.jar; the first time it downloads.
func makeJava(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "make", "-s", "java")
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make java: %v\n%s", err, out)
	}
}

// TestJava runs the two commands of doc/java.md behind `make java`, and Go with each.
func TestJava(t *testing.T) {
	makeJava(t)
	dir := t.TempDir()
	subscribe := command(t, dir, "java", "-cp", inJava, "examples/java/Subscribe.java", "greetings", "10")
	pipe, err := subscribe.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := subscribe.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() || lines.Text() != "subscribed to greetings" {
		t.Fatalf("Subscribe printed %q", lines.Text())
	}
	output(t, command(t, dir, buildGo(t, "publish"), "greetings"))
	for i, want := range []string{"greetings 1: greeting 0", "greetings 2: greeting 1"} {
		if !lines.Scan() || lines.Text() != want {
			t.Errorf("line %d is %q, want %q", i, lines.Text(), want)
		}
	}
	for lines.Scan() {
	}
	if err := subscribe.Wait(); err != nil {
		t.Error(err)
	}
}

func TestJavaPublishes(t *testing.T) {
	makeJava(t)
	dir := t.TempDir()
	subscribe := command(t, dir, buildGo(t, "subscribe"), "greetings")
	pipe, err := subscribe.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := subscribe.Start(); err != nil {
		t.Fatal(err)
	}
	publish := command(t, dir, "java", "-cp", inJava, "examples/java/Publish.java", "greetings")
	publish.Stdin = strings.NewReader(strings.Repeat("hello\n", 10))
	output(t, publish)
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() || lines.Text() != "greetings 1: hello" {
		t.Errorf("subscribe printed %q", lines.Text())
	}
	for lines.Scan() {
	}
	if err := subscribe.Wait(); err != nil {
		t.Error(err)
	}
}

// TestOrdersInJava builds a FlatBuffer in a slot and reads it there.
func TestOrdersInJava(t *testing.T) {
	makeJava(t)
	classes := t.TempDir()
	sources, err := filepath.Glob("java/orders/*.java")
	if err != nil || len(sources) == 0 {
		t.Fatalf("accessors: %v, %v", sources, err)
	}
	args := []string{"-d", classes, "-cp", inJava, "examples/java/Orders.java"}
	for _, s := range sources {
		args = append(args, "examples/"+s)
	}
	output(t, command(t, "", "javac", args...))
	got := output(t, command(t, t.TempDir(), "java", "-cp", classes+":"+inJava, "Orders"))
	if got != "order 17 of Ada: 3 tea\n" {
		t.Errorf("Orders printed %q", got)
	}
}

// TestJavaAsksAndServes runs the two programs of doc/java.md that ask and answer.
func TestJavaAsksAndServes(t *testing.T) {
	makeJava(t)
	dir := t.TempDir()
	serve := command(t, dir, "java", "-cp", inJava, "examples/java/Serve.java", "squares")
	end, err := serve.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	pipe, err := serve.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "serving squares") {
		t.Fatalf("Serve printed %q", lines.Text())
	}
	ask := command(t, dir, "java", "-cp", inJava, "examples/java/Ask.java", "squares")
	ask.Stdin = strings.NewReader("1\n12\nmany\n")
	if got, want := output(t, ask), "1\n144\nAPPLICATION: not a number: many\n"; got != want {
		t.Errorf("Ask printed %q, want %q", got, want)
	}
	if err := end.Close(); err != nil {
		t.Error(err)
	}
	if err := serve.Wait(); err != nil {
		t.Error(err)
	}
}
