// Ringcastd is the forwarder: one a node, it joins the node's rings to the network.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"syscall"
)

// processors are as many as the runtime should have: its monitor takes one from a goroutine that sleeps in the kernel
// at once where none is idle, and two of ours sleep there (doc/decisions/331).
const processors = 4

func main() {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < processors {
		runtime.GOMAXPROCS(processors)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// Whoever reads our words may go (| head, a log's writer that is restarted); the node's traffic is not to end with it.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
