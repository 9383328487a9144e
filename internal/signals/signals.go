// Package signals is what the signals of a terminal, of a shell and of who starts services mean to our
// programs.
package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Ending takes the process's signals, once and for good, and returns the context that is done when one of them
// told it to end: SIGINT and SIGTERM. A second one on the way out would kill, and take the exit code with it.
//
// SIGPIPE ends nothing: whoever reads our words may go (| head, a log's writer that is started anew), which is an
// error of writing then. It is taken and not ignored, as what we start would inherit that.
func Ending() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return ctx
}
