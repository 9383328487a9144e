package lint

import (
	"regexp"
	"strings"
)

// parityPath is the list of what the waha tools do, and what became of it.
const parityPath = "doc/parity.md"

// testName is how that list names a test: its folder, and the function.
var testName = regexp.MustCompile("`([a-z0-9/.]+)\\.(Test[A-Za-z0-9_]+)`")

// checkParity reports rows without an end, rows of what was kept that no test shows, and tests
// that are not there.
func checkParity(r repository) []finding {
	tests := make(map[string]bool)
	for _, s := range r {
		if s.file == nil || !s.isTest() {
			continue
		}
		for line := range strings.Lines(s.text) {
			if name, ok := strings.CutPrefix(line, "func Test"); ok {
				name, _, _ = strings.Cut(name, "(")
				tests[packageName(s.pkg())+".Test"+name] = true
			}
		}
	}
	var list []finding
	for _, s := range r {
		if s.path != parityPath {
			continue
		}
		number := 0
		for line := range strings.Lines(s.text) {
			number++
			for _, why := range checkRow(strings.TrimSpace(line), tests) {
				list = append(list, finding{s.path, number, why})
			}
		}
	}
	return list
}

// checkRow says what is wrong with one line of the list.
func checkRow(line string, tests map[string]bool) (wrong []string) {
	cells := strings.Split(strings.Trim(line, "|"), "|")
	if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| ---") || strings.TrimSpace(cells[0]) == "waha" {
		return nil
	}
	if len(cells) != 3 {
		return []string{"a row wants three cells: what, what became of it, the test"}
	}
	state := strings.TrimSpace(cells[1])
	kept := state == "kept" || strings.HasPrefix(state, "kept,")
	if !kept && !strings.HasPrefix(state, "replaced by ") && !strings.HasPrefix(state, "dropped because ") {
		wrong = append(wrong, "a row wants: kept, replaced by, or dropped because")
	}
	named := testName.FindAllStringSubmatch(cells[2], -1)
	if len(named) == 0 && !strings.HasPrefix(state, "dropped because ") {
		wrong = append(wrong, "no test is named")
	}
	for _, n := range named {
		if !tests[n[1]+"."+n[2]] {
			wrong = append(wrong, "no test "+n[2]+" in "+n[1])
		}
	}
	return wrong
}

// packageName is how the list calls a folder; the root is ringcast.
func packageName(folder string) string {
	if folder == "." {
		return "ringcast"
	}
	return folder
}
