// Package modeflag is the command line flag for permission bits, which both
// commands have.
package modeflag

import (
	"fmt"
	"os"

	"github.com/ringcast/ringcast/shm"
)

// A Value is a flag whose value is permission bits in octal; it has the methods of
// pflag.Value. It belongs to one goroutine.
type Value struct{ Mode *os.FileMode }

// Set reads the flag's text. Its errors are those of shm.ParseMode, which say what a
// mode looks like.
func (v *Value) Set(text string) (err error) {
	*v.Mode, err = shm.ParseMode(text)
	return err
}

// String is the flag's value as help shows it; empty where nothing is asked for.
func (v *Value) String() string {
	if v.Mode == nil || *v.Mode == 0 {
		return ""
	}
	return fmt.Sprintf("%o", *v.Mode)
}

// Type is what help calls the value.
func (v *Value) Type() string { return "octal" }
