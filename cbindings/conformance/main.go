package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout)) }

func run(args []string, out io.Writer) int {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return peer(args, out)
	}
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	only := flags.String("only", "", "languages, with commas between; default: all")
	part := flags.String("cell", "", "only cells with this in their name")
	write := flags.Bool("init", false, "write the golden rings that are not there, and nothing else")
	if flags.Parse(args) != nil {
		return 2
	}
	if *write {
		if err := initGolden(); err != nil {
			fmt.Fprintln(out, err)
			return 1
		}
		return 0
	}
	list, err := chosen(*only)
	if err == nil {
		var m *matrix
		if m, err = newMatrix(out, list); err == nil {
			defer os.RemoveAll(m.dir)
			return m.run(*part)
		}
	}
	fmt.Fprintln(out, "not ok conformance:", err)
	return 1
}
