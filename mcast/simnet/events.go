package simnet

import (
	"net/netip"

	"github.com/ringcast/ringcast/mcast"
)

// event is something that will happen: a call, a datagram (data), or a node's timer.
type event struct {
	at    mcast.Time
	order uint64
	node  *Node
	life  int // the node's incarnation it is for; -1: any
	call  func()
	data  []byte
	from  netip.AddrPort
	multi bool
	tick  bool // a node's timer; a later one has taken its place if it is not the node's last
}

func (e *event) before(f *event) bool { return e.at < f.at || e.at == f.at && e.order < f.order }

// eventHeap is a heap of four branches: the first event is the next one.
type eventHeap struct {
	list  []*event
	spare []*event
}

func (h *eventHeap) len() int { return len(h.list) }

// fresh returns an event to be filled.
func (h *eventHeap) fresh() *event {
	n := len(h.spare)
	if n == 0 {
		return new(event)
	}
	e := h.spare[n-1]
	h.spare = h.spare[:n-1]
	return e
}

// free takes an event back that is over.
func (h *eventHeap) free(e *event) {
	*e = event{}
	h.spare = append(h.spare, e)
}

func (h *eventHeap) push(e *event) {
	h.list = append(h.list, e)
	i := len(h.list) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !e.before(h.list[up]) {
			break
		}
		h.list[i] = h.list[up]
		i = up
	}
	h.list[i] = e
}

func (h *eventHeap) pop() *event {
	first := h.list[0]
	n := len(h.list) - 1
	e := h.list[n]
	h.list[n] = nil
	h.list = h.list[:n]
	if n > 0 {
		h.sink(e)
	}
	return first
}

// sink puts e in its place, from the root down.
func (h *eventHeap) sink(e *event) {
	n := len(h.list)
	i := 0
	for {
		least := 4*i + 1
		if least >= n {
			break
		}
		for k := least + 1; k < min(4*i+5, n); k++ {
			if h.list[k].before(h.list[least]) {
				least = k
			}
		}
		if !h.list[least].before(e) {
			break
		}
		h.list[i] = h.list[least]
		i = least
	}
	h.list[i] = e
}
