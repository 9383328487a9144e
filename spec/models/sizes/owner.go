package sizes

// send puts a datagram on the lane.
func (s *state) send(large bool) (ok bool, broken string) {
	if large && !s.large || !spend(&s.left.Datagrams) {
		return false, ""
	}
	bit := uint8(1) << s.sent
	s.sent++
	if !large {
		return true, ""
	}
	s.sizes |= bit
	for i := range s.nodes {
		n := &s.nodes[i]
		switch {
		case n.changed:
			n.excused |= bit
		case n.wide != both && n.peer && n.up && n.joined && n.next <= s.sent-1:
			broken = "size"
		}
	}
	return true, broken
}

// hello takes the Hello of a node: of one that is there, or, late or forged, of one that is not.
func (s *state) hello(n *node, rules *Rules) bool {
	if n.peer && !(n.up && n.earlier) || !n.up && !spend(&s.left.Forgeries) {
		return false
	}
	if n.peer {
		s.goes(n, rules)
	}
	n.remembers, n.changed = n.thought, false
	n.peer, n.earlier, n.wants, n.shown, n.thought = true, false, false, false, n.thought && !rules.Ends
	n.echoed, n.proved, n.spoofed = 0, false, !n.up
	if rules.Small {
		s.large = false
	}
	s.round = due
	if n.up && !n.joined {
		n.setup = s.sent
	}
	return true
}

// silent takes a peer for gone: it has said so, or has said nothing for long.
func (s *state) silent(n *node, rules *Rules) bool {
	if !n.peer || n.up && !n.earlier && !spend(&s.left.Silences) {
		return false
	}
	s.goes(n, rules)
	return true
}

func (s *state) goes(n *node, rules *Rules) {
	n.peer, n.earlier, n.spoofed, n.proved = false, false, false, false
	if !n.shown && (n.wants || rules.Goes && n.remembers) && rules.Thought {
		n.thought = true
	}
	n.wants, n.remembers = false, false
	if !s.large && rules.Left {
		s.round = due
	}
}

// forget thinks no more of a node, after a long time.
func (n *node) forget(rules *Rules) bool {
	if !n.thought || !rules.Ends {
		return false
	}
	n.thought, n.owed = false, never
	return true
}

// want takes the Want and the Status of a member.
func (s *state) want(n *node) bool {
	if !n.peer || !n.up || n.earlier || !n.joined || n.wants {
		return false
	}
	n.wants = true
	n.owed = min(n.owed, s.sent)
	return true
}

// again wants a round although nobody has come or gone.
func (s *state) again(rules *Rules) bool {
	if !s.large || s.round != rests || !rules.Asks {
		return false
	}
	s.round = due
	return true
}

// begin sends the Probes of a round.
func (s *state) begin(rules *Rules) (ok bool, broken string) {
	if s.round != due || s.peers() == 0 {
		return false, ""
	}
	for i := range s.nodes {
		n := &s.nodes[i]
		if n.thought || n.peer && !n.proved && rules.Proves {
			return false, ""
		}
		if n.spoofed {
			broken = "address"
		}
	}
	s.round = asks
	for i := range s.nodes {
		n := &s.nodes[i]
		n.probes[old] |= n.probes[current]
		n.echoes[old] |= n.echoes[current]
		n.probes[current], n.echoes[current] = group, 0
		if n.peer {
			n.probes[current] = both
		}
		if rules.Forgets {
			n.echoed = 0
		}
	}
	return true, broken
}

// prove takes the echo of a short Probe, which only the node itself can have said: nobody else knows its number.
func (n *node) prove(rules *Rules) bool {
	if !n.peer || !n.up || n.earlier || n.proved || !rules.Proves {
		return false
	}
	n.proved = true
	return true
}

func (s *state) peers() (count int) {
	for i := range s.nodes {
		if s.nodes[i].peer {
			count++
		}
	}
	return count
}

// echo takes an echo.
func (s *state) echo(n *node, age int, way uint8, rules *Rules) bool {
	if s.round != asks || !n.peer || n.earlier || n.echoes[age]&way == 0 || age == old && rules.Number || n.echoed&way != 0 {
		return false
	}
	n.echoed |= way
	n.shown = n.shown || !n.lacks(rules)
	return true
}

func (n *node) lacks(rules *Rules) bool {
	if !rules.Ways {
		return n.echoed == 0
	}
	return n.echoed != both
}

// complete ends a round in which all have echoed.
func (s *state) complete(rules *Rules) bool {
	if s.round != asks {
		return false
	}
	lack := 0
	for i := range s.nodes {
		if n := &s.nodes[i]; n.peer && n.lacks(rules) {
			lack++
		}
	}
	if lack > 0 && (rules.All || lack == s.peers()) {
		return false
	}
	s.round, s.large = rests, true
	for i := range s.nodes {
		if n := &s.nodes[i]; n.peer {
			n.shown = true
		}
	}
	return true
}

// fail ends one in which somebody has not.
func (s *state) fail(rules *Rules) bool {
	if s.round != asks {
		return false
	}
	lack := false
	for i := range s.nodes {
		if n := &s.nodes[i]; n.peer && n.lacks(rules) {
			lack = true
			n.shown, n.changed = false, false
		}
	}
	if !lack {
		return false
	}
	s.round = due
	if rules.Fails {
		s.large = false
	}
	return true
}
