// Ringcastd is the forwarder: one a node, it joins the node's rings to the network.
package main

import (
	"os"
	"runtime"

	"github.com/ringcast/ringcast/internal/signals"
)

// processors are as many as the runtime should have: its monitor takes one from a goroutine that sleeps in the kernel
// at once where none is idle, and two of ours sleep there (doc/decisions/331).
const processors = 4

func main() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < processors {
		runtime.GOMAXPROCS(processors)
	}
	os.Exit(run(signals.Ending(), os.Args[1:], os.Stdout, os.Stderr))
}
