package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// everyCommand calls do with each command that help shows.
func everyCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, one := range cmd.Commands() {
		if !one.Hidden {
			everyCommand(one, do)
		}
	}
}

// TestExamplesOfHelp: the commands that help shows as examples are there, and have the flags that they are given; and
// no example of curl has brackets that curl takes for a range.
func TestExamplesOfHelp(t *testing.T) {
	tool := &tool{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	root, checked := tool.command(), 0
	everyCommand(root, func(cmd *cobra.Command) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			line, _, _ = strings.Cut(line, " # ")
			if strings.Contains(line, "curl") && strings.Contains(line, "[") && !strings.Contains(line, "curl -g") {
				t.Errorf("%s: %s: curl takes brackets for a range without -g", cmd.CommandPath(), line)
			}
			for _, part := range strings.Split(line, "|") {
				words := strings.Fields(part)
				if len(words) < 2 || words[0] != "ringcast" {
					continue
				}
				called, _, err := root.Find(words[1:])
				if err != nil || called == root {
					t.Errorf("%s: %s: no such command", cmd.CommandPath(), line)
					continue
				}
				checked++
				for _, flag := range regexp.MustCompile(` --([a-z0-9-]+)`).FindAllStringSubmatch(part, -1) {
					if called.Flags().Lookup(flag[1]) == nil && called.InheritedFlags().Lookup(flag[1]) == nil {
						t.Errorf("%s: %s: no flag --%s", cmd.CommandPath(), line, flag[1])
					}
				}
			}
		}
	})
	if checked < 50 {
		t.Errorf("%d examples", checked)
	}
}

// TestDefaultsOfHelp: help shows no default that nobody could mean, and every command says what it is by itself, since
// lists are in the order of the alphabet.
func TestDefaultsOfHelp(t *testing.T) {
	tool := &tool{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	everyCommand(tool.command(), func(cmd *cobra.Command) {
		if strings.Contains(cmd.LocalFlags().FlagUsages(), "(default -1)") {
			t.Errorf("%s shows -1 as a default", cmd.CommandPath())
		}
		if strings.HasPrefix(cmd.Short, "the same") {
			t.Errorf("%s: %q: the same as what?", cmd.CommandPath(), cmd.Short)
		}
	})
}
