package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// decisionFolder has a file for each decision, and a list of them.
const (
	decisionFolder = "doc/decisions"
	decisionList   = decisionFolder + "/README.md"
)

var (
	decisionFile = regexp.MustCompile(`^` + decisionFolder + `/(\d{3})-[a-z0-9-]+\.md$`)
	// decisionNamed is how texts and comments speak of one.
	decisionNamed = regexp.MustCompile(`(?:` + decisionFolder + `/|\b[Dd]ecisions? )(\d{3})\b`)
)

// checkDecisions reports decisions that are not in their list, that share a number or have another
// one in their heading, and texts that name one that is not there.
func checkDecisions(r repository) []finding {
	listed := ""
	for _, s := range r {
		if s.path == decisionList {
			listed = s.text
		}
	}
	var list []finding
	known := make(map[string]bool)
	for _, s := range r {
		m := decisionFile.FindStringSubmatch(s.path)
		if m == nil {
			continue
		}
		if known[m[1]] {
			list = append(list, finding{s.path, 1, "another decision has the number " + m[1]})
		}
		known[m[1]] = true
		if !strings.HasPrefix(s.text, "# "+m[1]+": ") {
			list = append(list, finding{s.path, 1, fmt.Sprintf("its first line wants to be # %s: WHAT", m[1])})
		}
		if !strings.Contains(listed, "("+path.Base(s.path)+")") {
			list = append(list, finding{s.path, 1, "it is not in " + decisionList})
		}
	}
	return append(list, unknownDecisions(r, known)...)
}

// unknownDecisions are the places that name a decision that is not there.
func unknownDecisions(r repository, known map[string]bool) []finding {
	var list []finding
	for _, s := range r {
		if strings.HasPrefix(s.path, "internal/lint/") {
			continue // whose fixtures name such
		}
		for i, line := range strings.Split(s.text, "\n") {
			for _, m := range decisionNamed.FindAllStringSubmatch(line, -1) {
				if !known[m[1]] {
					list = append(list, finding{s.path, i + 1, "there is no decision " + m[1]})
				}
			}
		}
	}
	return list
}
