//go:build invariants

package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
	"golang.org/x/sys/unix"
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

// readPoints gives a child the places of one package's points on the board.
func readPoints(base, prefix string) (map[string]int, error) {
	text, err := os.ReadFile(filepath.Join(base, "points"))
	if err != nil {
		return nil, err
	}
	places := make(map[string]int)
	for i, name := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if short, ok := strings.CutPrefix(name, prefix+":"); ok {
			places[short] = i
		}
	}
	return places, nil
}

// pass is what a child does at a named point: it counts it, and if it is told to,
// it stands still there until the parent kills it or lets it go on.
func (b *board) pass(point int) {
	b.passes(point).Add(1)
	if b.round().Load() != roundArmed {
		return
	}
	want := b.want(point)
	for n := want.Load(); n > 0; n = want.Load() {
		if !want.CompareAndSwap(n, n-1) {
			continue
		}
		if n == 1 && b.round().CompareAndSwap(roundArmed, roundTaken) {
			b.taker().Store(uint64(unix.Getpid())<<32 | uint64(point))
			stopSelf()
		}
		return
	}
}

// stopSelf stops the whole process, this thread at this very instant.
func stopSelf() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Tgkill(unix.Getpid(), unix.Gettid(), unix.SIGSTOP)
}
