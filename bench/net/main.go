// Net measures messages between nodes, beside Aeron, NORM, NATS, ZeroMQ and raw UDP: package
// bench/nodes says how.
//
//	make bench-net [BENCH=quick] [JSON=1]
package main

import "github.com/ringcast/ringcast/bench/nodes"

func main() { nodes.Main() }
