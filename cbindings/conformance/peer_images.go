package main

import (
	"io"
	"path/filepath"

	"github.com/ringcast/ringcast"
	images "github.com/ringcast/ringcast/codec/golden"
)

// showImages prints the fields of every golden image.
func showImages(_ *ringcast.Bus, args []string, out io.Writer) error {
	return images.Print(out, filepath.Join(args[0], "testdata"))
}
