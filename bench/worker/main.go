// Worker is one process of ours in a run, and nothing else: a program that also draws pictures is larger,
// and where memory is compared that would count.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ringcast/ringcast/bench"
)

func main() {
	if err := bench.Child(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench-worker:", err)
		os.Exit(1)
	}
}
