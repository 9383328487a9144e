// Package netlab makes a small network on one host, without root: nodes that are
// network namespaces, joined by a bridge, in which real programs run over real
// sockets while the kernel loses frames by rule and counts them.
//
//	func main() {
//		code, err := netlab.Main(run) // run is called again, inside
//		...
//	}
//
//	func run() int {
//		lab, err := netlab.New(3)
//		defer lab.Close()
//		lab.Node(1).Start(exec.Command("ringcastd", "--shm-dir", lab.Node(1).Dir))
//		lab.SetDrops(netlab.Drop{Node: 2, Percent: 1})
//		...
//		fmt.Println(lab.Drops())
//	}
//
// # What a lab is
//
//	node 1: lo, eth0 10.77.0.1/24 ── veth ── port1 ┐
//	node 2: lo, eth0 10.77.0.2/24 ── veth ── port2 ┤ bridge, in a namespace of its own
//	node 3: ...                                    ┘
//
// MTU 1500 unless SetMTU changes it, no IPv6, a route for multicast, no snooping. Nothing is joined or split by
// a device, so that one frame lost is one packet lost. Frames are dropped by
// nftables at the ports, on their way into a node or out of it; ARP is spared. Every
// node has a directory for shared memory in a tmpfs of its own making, which
// lies over /dev/shm and is seen by nobody outside.
//
// # How it ends
//
// Main starts the program again in a user namespace with network and mounts of its own.
// All that is made belongs to it and to the threads that stand for the nodes: when the
// program ends, be it by SIGKILL, every process that was started in a node is
// killed, and interfaces, rules and files are gone with the namespaces.
//
// It needs a kernel that lets users make namespaces, and the programs ip, nft and
// ethtool. What is missing is said in one line by MissingError.
package netlab
