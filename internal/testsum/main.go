package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Getenv("CI") == "true", os.Stdout)) }

// run runs the suites and returns the exit code.
func run(args []string, strict bool, out io.Writer) int {
	total := &tally{strict: strict, out: out}
	for _, arg := range args {
		name, command, ok := strings.Cut(arg, ": ")
		if !ok {
			fmt.Fprintf(out, "testsum: %q is not of the form 'name: command'\n", arg)
			return 2
		}
		total.begin(name)
		runSuite(command, total)
	}
	return total.close()
}
