package sizes

// start begins a life.
func (n *node) start() bool {
	if n.up {
		return false
	}
	n.up, n.earlier = true, n.peer
	return true
}

// stop ends it. What it has said under its session counts no more once another one is known; nor does what it has not read.
func (s *state) stop(n *node) bool {
	if !n.up || !spend(&s.left.Stops) {
		return false
	}
	n.up, n.joined, n.setup = false, false, -1
	n.echoes = [ages]uint8{}
	return true
}

// enter takes a Setup: who has no place begins where that says.
func (n *node) enter() bool {
	if !n.up || n.joined || n.setup < 0 {
		return false
	}
	if !n.stood {
		n.stood, n.next = true, n.setup
	}
	n.joined, n.setup = true, -1
	return true
}

// answer echoes a Probe that has come.
func (n *node) answer(age int, way uint8) bool {
	if !n.up || n.probes[age]&way == 0 || n.wide&way == 0 || n.echoes[age]&way != 0 {
		return false
	}
	n.echoes[age] |= way
	return true
}

// take reads the next datagram, whenever that has come or come again; one that cannot come is told as lost.
func (s *state) take(n *node) (ok bool, broken string) {
	if !n.up || !n.joined || n.next == s.sent {
		return false, ""
	}
	at := n.next
	n.next++
	if s.sizes>>at&1 != 0 && n.wide != both && n.excused>>at&1 == 0 && at >= n.owed {
		return true, "lost"
	}
	return true, ""
}

// change makes a way narrow, or wide.
func (s *state) change(n *node, way uint8) bool {
	if !spend(&s.left.Changes) {
		return false
	}
	n.wide ^= way
	switch {
	case n.wide&way == 0:
		n.changed = true
		n.excused |= 1<<s.sent - 1
	case n.wide == both:
		n.changed = false
	}
	return true
}
