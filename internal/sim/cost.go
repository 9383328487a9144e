package main

import (
	"fmt"

	"github.com/ringcast/ringcast/mcast/simnet"
)

// commonGoals are the bounds of one packet lost by all receivers: guarantee 14.
var commonGoals = []struct {
	receivers int
	naks      float64
}{{12, 3}, {50, 4}, {200, 5}, {500, 6}}

const (
	repairsGoal = 1.1
	repairGoal  = 1000 // us, mean
)

// cost prints what the protocol costs with up to most nodes.
func cost(seed uint64, most int) bool {
	ok := true
	fmt.Printf("\none packet lost by all receivers, round trip 0.25 ms (guarantee 14):\n%9s %6s %6s %9s %8s %8s %8s\n", "receivers", "NAKs", "goal", "repairs", "mean us", "p99 us", "max us")
	for _, g := range commonGoals {
		if g.receivers > most {
			continue
		}
		c := simnet.CommonLoss(seed, g.receivers)
		met := ""
		if c.Naks > g.naks || c.Repairs > repairsGoal || c.Repair[0]/1000 > repairGoal || c.Err != nil {
			ok, met = false, "  not met"
		}
		fmt.Printf("%9d %6.2f %6.0f %9.3f %8d %8d %8d%s\n", g.receivers, c.Naks, g.naks, c.Repairs, c.Repair[0]/1000, c.Repair[1]/1000, c.Repair[2]/1000, met)
		ok = said(c.Err) && ok
	}
	fmt.Printf("\ncost as nodes grow: one sends, 0.1 %% lost at each of the others independently; control bytes a second:\n")
	fmt.Printf("%6s %8s %10s %13s %11s %11s %12s %13s %10s %8s\n", "nodes", "NAKs/", "repairs/", "idle: sent", "received", "busy: by", "by each", "received by", "memory", "joined")
	fmt.Printf("%6s %8s %10s %13s %11s %11s %12s %13s %10s %8s\n", "", "loss", "loss", "by a node", "by a node", "the sender", "receiver", "each", "a node", "after")
	for _, nodes := range []int{10, 50, 100, 200, 500} {
		if nodes > most {
			continue
		}
		c := simnet.CostOf(seed, nodes)
		fmt.Printf("%6d %8.2f %10.3f %13.0f %11.0f %11.0f %12.0f %13.0f %7.0f KB %5d ms\n", nodes, c.NaksEach, c.RepairsEach, c.IdleSent, c.IdleReceived,
			c.BusySender, c.BusyReceiver, c.BusyReceived, c.Memory/1024, c.Join/1e6)
		ok = said(c.Err) && ok
	}
	return ok
}

func said(err error) bool {
	if err != nil {
		fmt.Println("BROKEN:", err)
	}
	return err == nil
}
