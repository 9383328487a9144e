package flagerror

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestText parses what people get wrong with the parser that the commands have.
func TestText(t *testing.T) {
	for _, c := range []struct{ argument, want string }{
		{"--bool=maybe", `"maybe" for "--bool" flag: want true or false`},
		{"--int=many", `"many" for "--int" flag: want a whole number`},
		{"--int=99999999999999999999", `for "--int" flag: the number is too large`},
		{"--uint=-1", `"-1" for "-u, --uint" flag: want a whole number from 0`},
		{"--float=x", `"x" for "--float" flag: want a number`},
		{"--time=5", `"5" for "--time" flag: want a number with a unit, as 500ms`},
		{"--time=soon", `"soon" for "--time" flag: want a number with a unit, as 500ms`},
		{"--none", "unknown flag: --none"},
		{"--int", "flag needs an argument: --int"},
	} {
		cmd := &cobra.Command{Use: "x", SilenceErrors: true, SilenceUsage: true, Run: func(*cobra.Command, []string) {}}
		f := cmd.Flags()
		f.Bool("bool", false, "")
		f.Int("int", 0, "")
		f.Uint64P("uint", "u", 0, "")
		f.Float64("float", 0, "")
		f.Duration("time", 0, "")
		cmd.SetArgs([]string{c.argument})
		cmd.SetOut(io.Discard)
		err := cmd.Execute()
		if err == nil {
			t.Errorf("%s was taken", c.argument)
			continue
		}
		text := Text(err)
		if !strings.Contains(text, c.want) || strings.Contains(text, "strconv") || strings.Contains(text, "time:") {
			t.Errorf("%s: %q, want %q", c.argument, text, c.want)
		}
	}
}
