// Package said keeps what became of a program's words: who writes help and versions for a
// command drops the error of a full disk.
package said

import "io"

// A Writer passes on what is written, and keeps the first error. One goroutine at a time.
type Writer struct {
	To  io.Writer
	Err error
}

// Write writes to w.To.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.To.Write(p)
	if w.Err == nil {
		w.Err = err
	}
	return n, err
}
