package main

import (
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Getenv("CI") == "true", os.Stdout)) }

// run runs the suites and returns the exit code.
func run(args []string, strict bool, out io.Writer) int {
	lanes, err := parseLanes(args)
	if err != nil {
		fmt.Fprintln(out, "testsum:", err)
		return 2
	}
	total := &sum{strict: strict, out: out}
	total.run(lanes)
	return total.close()
}
