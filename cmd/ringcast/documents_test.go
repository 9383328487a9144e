package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A shownCommand is one call of a program in a document, as a shell would read it.
type shownCommand struct {
	place string // file and line
	words []string
}

var (
	shellToken = regexp.MustCompile(`(?:'[^']*'|"[^"]*"|[^\s'"|&;()])+|[|&;()]`)
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	longFlag   = regexp.MustCompile(`^--([a-z][a-z0-9-]*)`)
	assignment = regexp.MustCompile(`^(?:[A-Z_]+=|\$[A-Z]|sudo$|exec$|nohup$)`)
)

// commandsIn are the simple commands of a line: what stands between | & ; ( and ), without a comment.
func commandsIn(place, line string) (list []shownCommand) {
	var words []string
	for _, token := range append(shellToken.FindAllString(strings.ReplaceAll(line, `\|`, "|"), -1), ";") {
		if strings.HasPrefix(token, "#") && len(words) == 0 {
			break
		}
		if !strings.Contains("|&;()", token) && !strings.HasPrefix(token, "#") {
			words = append(words, token)
			continue
		}
		for len(words) > 0 && assignment.MatchString(words[0]) {
			words = words[1:]
		}
		if len(words) > 0 {
			words[0] = filepath.Base(words[0])
			list = append(list, shownCommand{place, words})
		}
		if words = nil; strings.HasPrefix(token, "#") {
			break
		}
	}
	return list
}

// codeOf are the pieces of code of a document, each with its place: lines of blocks, a line that ends in \ with the next,
// and spans.
func codeOf(name, text string, do func(place, code string)) {
	fenced, begun := false, ""
	for n, line := range strings.Split(text, "\n") {
		place := fmt.Sprintf("%s:%d", name, n+1)
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
			continue
		}
		if !fenced && !strings.HasPrefix(line, "    ") {
			for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
				do(place, span[1])
			}
			continue
		}
		if cut, more := strings.CutSuffix(line, `\`); more {
			begun += cut
			continue
		}
		do(place, begun+line)
		begun = ""
	}
}

// documents are the texts for users, by name. Left out are those that tell of the past.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "doc/*.md", "spec/*.md", "*/README.md", "*/*/README.md"} {
		paths, err := filepath.Glob("../../" + pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			name := strings.TrimPrefix(path, "../../")
			if slices.Contains([]string{"CHANGELOG.md", "doc/decisions/README.md"}, name) {
				continue
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

// flagsOfDaemon are the flags that the source of ringcastd declares.
func flagsOfDaemon(t *testing.T) map[string]bool {
	t.Helper()
	flags := map[string]bool{"help": true, "version": true}
	for _, f := range regexp.MustCompile(`(?m)^\tf\.\w+\(.*?, "([a-z][a-z0-9-]*)"`).FindAllStringSubmatch(textOf(t, "cmd/ringcastd/run.go"), -1) {
		flags[f[1]] = true
	}
	return flags
}

// hasFlag reports whether a command takes a flag.
func hasFlag(cmd *cobra.Command, name string) bool {
	return name == "help" || cmd.Flags().Lookup(name) != nil || cmd.InheritedFlags().Lookup(name) != nil || cmd.PersistentFlags().Lookup(name) != nil
}

// TestCommandsOfDocuments: each command of ours that a document shows is there, and has the flags that it is given.
func TestCommandsOfDocuments(t *testing.T) {
	tool := &tool{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	root, daemon, checked := tool.command(), flagsOfDaemon(t), map[string]int{}
	look := func(c shownCommand) {
		called := root
		if c.words[0] == "ringcast" && len(c.words) > 1 && c.words[1] != "COMMAND" {
			var err error
			if called, _, err = root.Find(c.words[1:]); err != nil || called == root && !strings.HasPrefix(c.words[1], "-") {
				t.Errorf("%s: %s: no such command", c.place, strings.Join(c.words, " "))
				return
			}
		}
		for _, word := range c.words[1:] {
			flag := longFlag.FindStringSubmatch(word)
			if flag == nil {
				continue
			}
			checked[c.words[0]]++
			if c.words[0] == "ringcast" && !hasFlag(called, flag[1]) || c.words[0] == "ringcastd" && !daemon[flag[1]] {
				t.Errorf("%s: %s: no flag --%s", c.place, strings.Join(c.words, " "), flag[1])
			}
		}
	}
	for name, text := range documents(t) {
		codeOf(name, text, func(place, code string) {
			for _, c := range commandsIn(place, code) {
				if c.words[0] == "ringcast" || c.words[0] == "ringcastd" {
					look(c)
				}
			}
		})
	}
	if checked["ringcast"] < 40 || checked["ringcastd"] < 10 {
		t.Errorf("flags that were looked at: %v", checked)
	}
}

// foreign are flags that documents name by themselves and that are no command's of ours: of docker, and of java.
var foreign = []string{"ipc", "enable-native-access"}

// TestFlagsOfDocuments: a flag that a document names without a command belongs to one of ours. Texts for those who come
// from another program name its flags, too.
func TestFlagsOfDocuments(t *testing.T) {
	tool := &tool{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard}
	daemon, checked := flagsOfDaemon(t), 0
	var commands []*cobra.Command
	everyCommand(tool.command(), func(cmd *cobra.Command) { commands = append(commands, cmd) })
	for name, text := range documents(t) {
		if name == "doc/parity.md" || name == "doc/balance.md" {
			continue
		}
		codeOf(name, text, func(place, code string) {
			flag := longFlag.FindStringSubmatch(code)
			if flag == nil {
				return
			}
			checked++
			has := func(cmd *cobra.Command) bool { return hasFlag(cmd, flag[1]) }
			if !daemon[flag[1]] && !slices.ContainsFunc(commands, has) && !slices.Contains(foreign, flag[1]) {
				t.Errorf("%s: `%s`: no command of ours has the flag", place, code)
			}
		})
	}
	if checked < 30 {
		t.Errorf("%d flags were looked at", checked)
	}
}
