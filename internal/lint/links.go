package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
)

var (
	// linkTarget is where a link of Markdown leads, without its title.
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	codeSpan   = regexp.MustCompile("`[^`]*`")
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	hasScheme  = regexp.MustCompile(`^[a-z]+:`)
)

// checkLinks reports links in texts that lead to no file, or to a heading that is not there.
func checkLinks(r repository) []finding {
	places := r.places()
	headings := make(map[string]map[string]bool)
	for _, s := range r {
		if path.Ext(s.path) == ".md" {
			headings[s.path] = headingsOf(s.text)
		}
	}
	var list []finding
	for _, s := range r {
		if path.Ext(s.path) != ".md" {
			continue
		}
		for number, line := range prose(s.text) {
			for _, m := range linkTarget.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, ""), -1) {
				if why := deadLink(s.path, m[1], places, headings); why != "" {
					list = append(list, finding{s.path, number, why})
				}
			}
		}
	}
	return list
}

// deadLink says why a link of a file leads nowhere; "" if it does not, or leads out of the repository.
func deadLink(from, link string, places map[string]bool, headings map[string]map[string]bool) string {
	if hasScheme.MatchString(link) {
		return ""
	}
	file, heading, _ := strings.Cut(link, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
	}
	switch {
	case !places[to]:
		return fmt.Sprintf("link %s: there is no %s", link, to)
	case heading != "" && !headings[to][heading]:
		return fmt.Sprintf("link %s: %s has no heading %q", link, to, heading)
	}
	return ""
}

// places are all files and folders.
func (r repository) places() map[string]bool {
	all := make(map[string]bool)
	for _, s := range r {
		for p := s.path; p != "."; p = path.Dir(p) {
			all[p] = true
		}
	}
	return all
}

// prose yields the lines of a text outside of blocks of code, numbered from 1.
func prose(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		number, inCode := 0, false
		for line := range strings.Lines(text) {
			number++
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				inCode = !inCode
			} else if !inCode && !yield(number, line) {
				return
			}
		}
	}
}

// headingsOf are the headings of a text as links name them.
func headingsOf(text string) map[string]bool {
	all := make(map[string]bool)
	for _, line := range prose(text) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		name := anchor(strings.TrimLeft(line, "#"))
		for first, n := name, 1; all[name]; n++ {
			name = fmt.Sprint(first, "-", n)
		}
		all[name] = true
	}
	return all
}

// anchor is a heading as links name it: small letters, digits, _ and -, a - for each space.
func anchor(heading string) string {
	heading = linkText.ReplaceAllString(strings.TrimSpace(heading), "$1")
	return strings.Map(func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-' || c == '_' || unicode.IsLetter(c) || unicode.IsDigit(c):
			return unicode.ToLower(c)
		}
		return -1
	}, heading)
}
