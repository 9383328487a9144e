package main

import (
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// textOf reads a file of the repository.
func textOf(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile("../../" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// declared are the exit codes that a command's source declares.
func declared(t *testing.T, path string) (codes []string) {
	t.Helper()
	for _, c := range regexp.MustCompile(`(?m)^\texit[A-Z]\w* += (\d+)`).FindAllStringSubmatch(textOf(t, path), -1) {
		codes = append(codes, c[1])
	}
	slices.Sort(codes)
	return codes
}

// helped are the exit codes that a help says, nil if it says none.
func helped(help string) (codes []string) {
	_, list, _ := strings.Cut(strings.Join(strings.Fields(help), " "), "Exit codes:")
	list, _, _ = strings.Cut(list, ".")
	for _, c := range regexp.MustCompile(`(?:^|[;,]) (\d+) `).FindAllStringSubmatch(list, -1) {
		codes = append(codes, c[1])
	}
	slices.Sort(codes)
	return codes
}

// tabled is a column of the table of exit codes in a document: what is said of each code.
func tabled(t *testing.T, path, heading string, column int) map[string]string {
	t.Helper()
	_, rest, found := strings.Cut(textOf(t, path), heading)
	if !found {
		t.Fatalf("%s has no %q", path, heading)
	}
	_, rest, _ = strings.Cut(rest, "| ---: |")
	_, rest, _ = strings.Cut(rest, "\n")
	said := map[string]string{}
	rows, _, _ := strings.Cut(rest, "\n\n")
	for row := range strings.Lines(rows) {
		cells := strings.Split(strings.ReplaceAll(row, `\|`, "/"), "|") // the first is empty
		if len(cells) < column+2 || strings.TrimSpace(cells[column+1]) == "" {
			continue
		}
		said[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[column+1])
	}
	return said
}

// TestExitCodesAreListed: help and documents list the codes of both commands, all of them, and say the same of each.
func TestExitCodesAreListed(t *testing.T) {
	const shell, operations = "doc/shell.md", "doc/operations.md"
	ours, daemons := declared(t, "cmd/ringcast/run.go"), declared(t, "cmd/ringcastd/run.go")
	short, long := tabled(t, shell, "## Exit codes", 1), tabled(t, operations, "| exit code |", 2)
	for where, list := range map[string][2][]string{
		"ringcast --help":                {helped(longHelp), ours},
		"ringcastd --help":               {helped(textOf(t, "cmd/ringcastd/run.go")), daemons},
		shell:                            {slices.Sorted(maps.Keys(short)), ours},
		operations:                       {slices.Sorted(maps.Keys(long)), ours},
		operations + " of the forwarder": {slices.Sorted(maps.Keys(tabled(t, operations, "| exit code |", 1))), daemons},
	} {
		if !slices.Equal(list[0], list[1]) || len(list[1]) < 5 {
			t.Errorf("%s lists %v, there are %v", where, list[0], list[1])
		}
	}
	if !maps.Equal(short, long) {
		t.Errorf("%s says %v, %s %v", shell, short, operations, long)
	}
	tool := &tool{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	everyCommand(tool.command(), func(cmd *cobra.Command) {
		for _, code := range helped(cmd.Long) {
			if !slices.Contains(ours, code) {
				t.Errorf("%s --help: there is no exit code %s", cmd.CommandPath(), code)
			}
		}
	})
}
