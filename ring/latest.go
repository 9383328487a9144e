package ring

// nextCopy is Next of a latest reader, and of a reliable one in its history. The
// slot may be given to another lap at any time, so the message is copied first
// and the copy is handed out only if the position was still the same after it.
// (A FlatBuffers reader follows offsets: bytes that change under it are a crash.)
func (rd *Reader) nextCopy(m *Message) error {
	if rd.cursor-rd.stored >= rd.batch() {
		rd.store() // for show
	}
	for rd.mode == modeLatest || rd.cursor < rd.replay {
		c := rd.cursor
		verdict, mark := rd.pollCopy(c)
		switch verdict {
		case nothing:
			return rd.idle()
		case step:
			rd.cursor++
			continue
		case sealed:
			return ErrRetired
		case spoilt:
			return rd.spoiled("claim word of another lap or state")
		case overrun:
			return rd.jump()
		}
		var v view
		reason := rd.copyOut(c, &v)
		recheckFence()
		if !rd.unchanged(c, mark) {
			return rd.jump()
		}
		rd.cursor++
		if reason != "" {
			return rd.ring.damage(c, reason)
		}
		if done, err := rd.gather(m, c, &v); done {
			return err
		}
	}
	return rd.nextLease(m)
}

// pollCopy looks at position c; mark is the claim word that must still be there
// after the copy.
func (rd *Reader) pollCopy(c uint64) (verdict, uint64) {
	r := rd.ring
	if r.shape.Kind == Exclusive {
		return rd.pollExclusive(c), 0
	}
	v := rd.poll(c)
	if v != use {
		return v, 0
	}
	w := word(r.claim(c).Load()) // pairs(commit)
	if w.lap() != r.lap(c) || w.state() != stateReady {
		return overrun, 0 // published was a hint of long ago, or the lap is over
	}
	return use, uint64(w)
}

// unchanged reports whether position c's slot held its message during the copy.
// published is not enough here: it is written after the next lap's payload.
func (rd *Reader) unchanged(c, mark uint64) bool {
	r := rd.ring
	if r.shape.Kind == Exclusive {
		return r.ctl.tail.Load() <= c+r.capacity() // tail counts what was begun
	}
	return r.claim(c).Load() == mark
}

// copyOut copies header and payload of position c. What is wrong with them
// counts only if they did not change meanwhile.
func (rd *Reader) copyOut(c uint64, v *view) (reason string) {
	if reason := rd.ring.look(c, v); reason != "" {
		return reason
	}
	n := len(v.block) + len(v.payload)
	if cap(rd.copied) < n {
		rd.copied = make([]byte, rd.ring.stride)
	}
	buf := rd.copied[:n]
	copyShared(buf, v.block, false)
	copyShared(buf[len(v.block):], v.payload, false)
	if v.block != nil {
		v.block = buf[:len(v.block):len(v.block)]
	}
	v.payload = buf[len(buf)-len(v.payload):]
	return ""
}

// jump goes on in the middle of what the ring still has. In its history a
// reliable reader misses less: the producers are held at what follows.
func (rd *Reader) jump() error {
	r := rd.ring
	keep := r.capacity() / 2
	if rd.mode != modeLatest {
		keep = r.capacity() - max(1, r.capacity()/8)
	}
	t := r.ctl.tail.Load() // pairs(tail)
	first, next := rd.cursor, max(rd.cursor+1, t-min(t, keep))
	if rd.mode != modeLatest {
		next = min(next, rd.replay)
	}
	rd.cursor = next
	rd.asm.reset()
	return rd.lag(first, next-first)
}
