// Ringcast is the tool: it publishes, subscribes, and shows what is there.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(program()) }

// program is run with the process around it: signals, arguments and streams.
func program() int {
	// Never given back: a second signal on the way to the exit would kill, and take the exit code with it.
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Whoever reads our output may go (| head): that is an error of writing then, and what is open is closed.
	// Taken and not ignored: what we start would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}
