package main

import (
	"github.com/spf13/cobra"
)

// against are the peers to run beside ours.
type against struct {
	peers []string
	pairs int
}

func (a *against) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&a.peers, "against", nil, "run these peers by turns with ours and print ratios: aeron,zeromq (built by make peer-NAME)")
	f.IntVar(&a.pairs, "pairs", 3, "runs of ours and of each peer, with --against")
}

// rounds are how often all run.
func (a *against) rounds(contenders int) int {
	if contenders < 2 {
		return 1
	}
	return max(a.pairs, 1)
}
