package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// A cause says why cells are behind: PEER CELL: text, both patterns as of path.Match.
type cause struct{ peer, cell, text string }

// readCauses reads the file of causes; one that is not there has none.
func readCauses(file string) (list []cause, err error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		what, why, ok := strings.Cut(text, ": ")
		peer, cell, both := strings.Cut(what, " ")
		if !ok || !both {
			return nil, fmt.Errorf("%s: %q: want PEER CELL: cause, with * for any", file, text)
		}
		list = append(list, cause{peer, cell, why})
	}
	return list, nil
}

// causeOf is the first that fits.
func causeOf(list []cause, cell, peer string) string {
	for _, c := range list {
		a, _ := path.Match(c.peer, peer)
		b, _ := path.Match(c.cell, cell)
		if a && b {
			return c.text
		}
	}
	return "cause not known yet"
}
