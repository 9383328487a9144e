package uplink

import "github.com/ringcast/ringcast/shm"

// Choose picks the node for a request to a service, of those that have instances: of two at random
// that may be asked the one with more room. False: none may be. random returns one of n numbers.
func Choose(list []shm.ServiceNode, random func(n int) int, may func(node uint32) bool) (node uint32, ok bool) {
	a, ok := oneOf(list, random, may)
	if b, _ := oneOf(list, random, may); ok && b.Room > a.Room {
		a = b
	}
	return a.Node, ok
}

// oneOf chooses a node that may be asked at random.
func oneOf(list []shm.ServiceNode, random func(n int) int, may func(node uint32) bool) (shm.ServiceNode, bool) {
	if len(list) == 0 {
		return shm.ServiceNode{}, false
	}
	first := random(len(list))
	for i := range list {
		if n := list[(first+i)%len(list)]; may(n.Node) {
			return n, true
		}
	}
	return shm.ServiceNode{}, false
}
