// Shell runs a command beside a lab, for looking at things by hand:
//
//	go run ./internal/netlab/shell -nodes 3 -loss 1
//	$NODE1 ringcastd --shm-dir $SHM1 --interface eth0 &
//	$NODE2 ringcastd --shm-dir $SHM2 --interface eth0 &
//
// NODEi runs a program in node i, SHMi is the node's directory and ADDRi its address.
// When the command ends the lab is gone, and the kernel's counts of what was lost are printed.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/ringcast/ringcast/internal/netlab"
)

func main() {
	nodes := flag.Int("nodes", 3, "how many nodes")
	loss := flag.Float64("loss", 0, "per cent of what each node would receive that is lost")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: shell [-nodes N] [-loss PERCENT] [COMMAND [ARGUMENT...]]   (default: $SHELL)")
		flag.PrintDefaults()
	}
	flag.Parse()
	code, err := netlab.Main(func() int { return run(*nodes, *loss, flag.Args()) })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(nodes int, loss float64, command []string) int {
	lab, err := netlab.New(nodes)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer lab.Close()
	if err := lab.LoseInto(loss); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if len(command) == 0 {
		command = []string{shellOf()}
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), variables(lab)...)
	code := exitCode(cmd.Run())
	if counts, err := lab.Drops(); err == nil {
		for _, c := range counts {
			fmt.Fprintln(os.Stderr, c)
		}
	}
	return code
}

func shellOf() string {
	if s := os.Getenv("SHELL"); s != "" {
		return s
	}
	return "/bin/sh"
}

func variables(lab *netlab.Lab) (list []string) {
	for i := 1; i <= lab.Nodes(); i++ {
		n := lab.Node(i)
		list = append(list, fmt.Sprintf("NODE%d=nsenter --net=%s", i, n.Namespace()), fmt.Sprintf("SHM%d=%s", i, n.Dir),
			fmt.Sprintf("ADDR%d=%s", i, n.Addr))
	}
	return list
}

func exitCode(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
