package main

import (
	"fmt"
	"os"

	"github.com/ringcast/ringcast/shm"
)

// A modeFlag is a flag whose value is permission bits in octal.
type modeFlag struct{ mode *os.FileMode }

// Set reads the flag's text.
func (m *modeFlag) Set(text string) (err error) {
	*m.mode, err = shm.ParseMode(text)
	return err
}

// String is the flag's value as help shows it; empty where nothing is asked for.
func (m *modeFlag) String() string {
	if m.mode == nil || *m.mode == 0 {
		return ""
	}
	return fmt.Sprintf("%o", *m.mode)
}

// Type is what help calls the value.
func (m *modeFlag) Type() string { return "octal" }
