package table

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// A Line says what is measured just now: on a terminal in one line that is written over,
// elsewhere, as in a log, in a line for each text.
type Line struct {
	w    io.Writer
	over bool
}

// NewLine returns a Line on w.
func NewLine(w io.Writer) *Line {
	f, ok := w.(*os.File)
	return &Line{w: w, over: ok && term.IsTerminal(int(f.Fd()))}
}

// Show replaces what stands there.
func (l *Line) Show(format string, args ...any) {
	if l.over {
		_, _ = fmt.Fprintf(l.w, "\r\x1b[K"+format, args...)
		return
	}
	_, _ = fmt.Fprintf(l.w, format+"\n", args...)
}

// Clear makes place for rows of a table.
func (l *Line) Clear() {
	if l.over {
		_, _ = fmt.Fprint(l.w, "\r\x1b[K")
	}
}
