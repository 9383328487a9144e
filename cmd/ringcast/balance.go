package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

const balanceHelp = `Say that there is nothing to run: instances of one name balance by themselves.`

const balanceText = `Nothing to run: instances of one name share its requests by themselves. Whoever has
room takes the next one, on this node first, and a dead one's callers are told at once.

  before                                          now
  waha-proxy-balance -n %[1]s -b tcp://*:10001      (nothing)
  waha-service-script -n %[1]s -u tcp://HOST:10001  ringcast script -n %[1]s ...
                                                  as often as wanted, on any node

How many run at a time is each instance's --concurrency; how many wait is --queue.
Who has what: ringcast services. More: doc/balance.md.
`

func (t *tool) balanceCommand() *cobra.Command {
	var name, backend string
	cmd := &cobra.Command{
		Use: "balance [-n SERVICE]", Short: "not needed: instances of one name balance by themselves", Long: balanceHelp,
		Example: "  ringcast balance", Args: arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(t.stdout, balanceText, name)
			return failed(err)
		},
	}
	cmd.Flags().StringVarP(&name, "name", "n", "SERVICE", "name of the service, for the example")
	cmd.Flags().StringVarP(&backend, "backend", "b", "", "taken as waha-proxy-balance does, and not used")
	return cmd
}
