//go:build invariants

package main

import (
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// named says that this build has named points.
const named = true

// mark names an instant of the children themselves.
func mark(name string) {
	if onMark != nil {
		onMark(name)
	}
}

var onMark func(name string)

// install makes a child obey at every named point.
func install(b *board, base string) error {
	for prefix, set := range map[string]func(func(string)){
		"ring": ring.OnStep, "shm": shm.OnStep, "torture": func(fn func(string)) { onMark = fn },
	} {
		places, err := readPoints(base, prefix)
		if err != nil {
			return err
		}
		set(func(name string) {
			if i, ok := places[name]; ok {
				b.pass(i)
			}
		})
	}
	return nil
}
