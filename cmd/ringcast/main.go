// Ringcast is the tool: it publishes, subscribes, and shows what is there.
package main

import (
	"os"

	"github.com/ringcast/ringcast/internal/signals"
)

func main() { os.Exit(program()) }

// program is run with the process around it: signals, arguments and streams.
func program() int {
	return run(signals.Ending(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
