package mcast

import "sort"

// countedMax bounds the lists of a member that are remembered. Of an older one nothing is known.
const countedMax = 4096

// countedList says when what a list of a member's covers began to be offered to it.
type countedList struct {
	version uint32
	mark    uint64
}

// countLists notes that a list is here, and that what is sent from now on goes to its member: of gated topics as soon
// as that has joined what such topics go on, of live ones when it has joined their lane, too.
func (e *Engine) countLists(p *Peer) {
	if !p.joined() || p.wants.version == 0 {
		return
	}
	for lane := range lanesGroup {
		c := p.counted[lane]
		if !p.members[lane].joined || len(c) != 0 && c[len(c)-1].version == p.wants.version {
			continue
		}
		if len(c) >= countedMax {
			c = append(c[:0], c[len(c)/2:]...)
			c[0].mark = 0
		}
		e.lists++
		p.counted[lane] = append(c, countedList{p.wants.version, e.lists})
		if e.historian != nil {
			e.historian.Mark(e.lists)
		}
	}
}

// countedAt returns the mark of the first list of a version, or of a later one; 0: it is not known.
func (p *Peer) countedAt(lane uint32, version uint32) uint64 {
	c := p.counted[lane]
	if len(c) == 0 {
		return 0
	}
	i := sort.Search(len(c), func(i int) bool { return int32(c[i].version-version) >= 0 })
	if i == len(c) || faultSpliceLate {
		i = len(c) - 1
	}
	return c[i].mark
}
