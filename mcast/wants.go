package mcast

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/mcast/wire"
)

// ErrName is wrapped by errors about names and patterns.
var ErrName = errors.New("mcast: invalid name")

// ValidName checks a topic's name: tokens of [A-Za-z0-9_-] with dots between, $
// first in names of the system, 1 to 200 bytes.
func ValidName(name string) error { return validTokens(name, false) }

// ValidPattern checks a name in which a token may be * (any one token) and the
// last one > (one token or more).
func ValidPattern(pattern string) error { return validTokens(pattern, true) }

func validTokens(s string, wild bool) error {
	if len(s) == 0 || len(s) > NameMax {
		return fmt.Errorf("%w: %d bytes, 1..%d are allowed", ErrName, len(s), NameMax)
	}
	if token, ok := tokensOf(s, wild); !ok {
		return fmt.Errorf("%w: token %q of %q", ErrName, token, s)
	}
	return nil
}

// wellFormed is ValidName, or ValidPattern, for what a frame has: to refuse it takes no memory for an error.
func wellFormed(s string, wild bool) bool {
	_, ok := tokensOf(s, wild)
	return ok && len(s) != 0 && len(s) <= NameMax
}

// tokensOf returns the first token that cannot be, if there is one.
func tokensOf(s string, wild bool) (bad string, ok bool) {
	start := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '.' {
			continue
		}
		token := s[start:i]
		if wild && (token == "*" || token == ">" && i == len(s)) {
			start = i + 1
			continue
		}
		if start == 0 {
			token = strings.TrimPrefix(token, "$")
		}
		if !plainToken(token) {
			return token, false
		}
		start = i + 1
	}
	return "", true
}

func plainToken(t string) bool {
	for i := range len(t) {
		c := t[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return len(t) > 0
}

// Match says whether a pattern covers a name; both must be valid. Wildcards do
// not cover names of the system, which begin with $, unless the pattern does too.
func Match(pattern, name string) bool {
	if name != "" && name[0] == '$' && (pattern == "" || pattern[0] != '$') {
		return false
	}
	for {
		p, patternRest, patternMore := strings.Cut(pattern, ".")
		n, nameRest, nameMore := strings.Cut(name, ".")
		if p == ">" {
			return true
		}
		if p != "*" && p != n {
			return false
		}
		if !patternMore || !nameMore {
			return patternMore == nameMore
		}
		pattern, name = patternRest, nameRest
	}
}

// wantList is a full list of names and patterns under a version.
type wantList struct {
	version  uint32
	list     []string
	names    map[string]struct{}
	patterns []string
}

func (w *wantList) set(version uint32, list []string) {
	w.version, w.list = version, list
	w.names, w.patterns = make(map[string]struct{}), nil
	for _, s := range list {
		if strings.ContainsAny(s, "*>") {
			w.patterns = append(w.patterns, s)
		} else {
			w.names[s] = struct{}{}
		}
	}
}

func (w *wantList) matches(name string) bool {
	if _, ok := w.names[name]; ok {
		return true
	}
	for _, p := range w.patterns {
		if Match(p, name) {
			return true
		}
	}
	return false
}

// SetWants says what this node wants of all others: its full list of names and
// patterns (* is one token, > is the rest). The list is copied and told to every
// peer until each has it. What is dropped from the list and taken up again later
// starts anew, without a loss for what lay between.
func (e *Engine) SetWants(now Time, patterns []string) error {
	if len(patterns) > e.cfg.Limits.Wants {
		return fmt.Errorf("%w: %d names, at most %d are allowed", ErrName, len(patterns), e.cfg.Limits.Wants)
	}
	for _, s := range patterns {
		if err := ValidPattern(s); err != nil {
			return err
		}
	}
	e.wants.set(e.wants.version+1, append([]string(nil), patterns...))
	e.forgetUnwanted()
	for _, p := range e.peers {
		for _, t := range p.topics {
			if t != nil {
				e.rewant(p, t)
			}
		}
		if p.catchup != nil {
			e.unhold(p.catchup)
			p.catchup.listed(&e.wants)
		}
		p.wantRetry, p.wantStep = now, retryFirst
	}
	e.touchAll()
	e.arm(now)
	return nil
}

// rewant matches a remote topic with the changed list.
func (e *Engine) rewant(p *Peer, t *RemoteTopic) {
	was := t.wanted
	t.wanted = e.wants.matches(t.Name)
	r := p.receivers[t.Lane]
	if !was && t.wanted && r != nil {
		t.wantedSince = r.highest
	}
	if was && !t.wanted {
		for _, s := range p.streams {
			if s != nil && s.topic == t && s.parts != nil {
				e.dropParts(p, s)
			}
		}
	}
}

// sendWants sends the list to a peer, in as many parts as it takes.
func (e *Engine) sendWants(p *Peer) {
	limit := e.cfg.MTU - wire.TagSize
	parts, size := 1, wire.HeaderSize+wire.WantHeadSize
	for _, s := range e.wants.list {
		if size+1+len(s) > limit {
			parts, size = parts+1, wire.HeaderSize+wire.WantHeadSize
		}
		size += 1 + len(s)
	}
	next := 0
	for part := range parts {
		w := wire.Want{Version: e.wants.version, Part: uint16(part), Parts: uint16(parts)}
		b := w.AppendTo(e.frame(layout.FrameTypeWant, layout.FrameFlagUnicast))
		for next < len(e.wants.list) && len(b)+1+len(e.wants.list[next]) <= limit {
			b = wire.AppendName(b, e.wants.list[next])
			next++
		}
		e.unicast(p, b)
	}
}

// versionJump bounds how far ahead a version is believed, so that its owner can
// always go above it.
const versionJump = 1 << 30

// wantParts collects the parts of a peer's list.
type wantParts struct {
	version uint32
	missing int
	parts   [][]string
	names   int
}

// receiveWant takes a part of a peer's list.
func (e *Engine) receiveWant(p *Peer, body []byte) wire.Reason {
	var w wire.Want
	if r := wire.ParseWant(body, &w); r != wire.OK {
		return r
	}
	c := &p.wantParts
	if w.Version-p.wants.version-1 >= versionJump-1 {
		return wire.OK
	}
	if w.Version != c.version || c.parts == nil {
		*c = wantParts{version: w.Version, missing: int(w.Parts), parts: make([][]string, w.Parts)}
	}
	if int(w.Part) >= len(c.parts) || c.parts[w.Part] != nil || c.names+int(w.Count) > e.cfg.Limits.Wants {
		return wire.OK
	}
	list := make([]string, 0, w.Count)
	for name, ok := w.NextName(); ok; name, ok = w.NextName() {
		if !wellFormed(string(name), true) {
			return wire.BadText
		}
		list = append(list, string(name))
	}
	c.parts[w.Part] = list
	c.names += len(list)
	if c.missing--; c.missing != 0 {
		return wire.OK
	}
	var all []string
	for _, part := range c.parts {
		all = append(all, part...)
	}
	p.wants.set(c.version, all)
	*c = wantParts{version: c.version}
	for _, r := range p.receivers[:lanesGroup] {
		if r != nil {
			e.wantStatus(e.now, r) // tells the peer which list it is that is here
		}
	}
	e.wantsChanged(p)
	return wire.OK
}

// wantsChanged counts anew what the peer wants of the own topics, once it has
// both told its list and joined.
func (e *Engine) wantsChanged(p *Peer) {
	for i := range p.members {
		p.members[i].wants = 0
	}
	for _, t := range e.topics {
		p.countWant(t)
	}
	for _, l := range e.lanes {
		e.updateLimit(e.now, l)
	}
	if p.lane != nil {
		e.updateLimit(e.now, p.lane)
	}
	e.movesDirty = true
	e.countLists(p)
	if p.joined() && p.wants.version != 0 && p.toldWants != p.wants.version {
		p.toldWants = p.wants.version
		e.sink.Wants(p, p.wants.list)
	}
}

func (p *Peer) wantsTopic(t *ownTopic) bool {
	return p.joined() && p.members[t.lane.id].joined && p.wants.matches(t.name)
}

// countWant counts an own topic for the peer's lane if the peer wants it, and brings
// up to date how many peers do: to ask all of them about every topic whenever one of
// them comes or goes would cost peers x topics each time.
func (p *Peer) countWant(t *ownTopic) {
	if t.lane.to != 0 && t.lane.one[0] != p {
		return
	}
	wants, i := p.wantsTopic(t), int(t.id)-1
	if wants {
		p.members[t.lane.id].wants++
	}
	if t.topic != t || wants == (i < len(p.takes) && p.takes[i]) {
		return
	}
	for i >= len(p.takes) {
		p.takes = append(p.takes, false)
	}
	p.takes[i] = wants
	if wants {
		t.wantedBy(1)
	} else {
		t.wantedBy(-1)
	}
}

// WantedBy returns how many live peers want the topic of this name and can
// receive it now.
func (e *Engine) WantedBy(name string) (n int) {
	for _, p := range e.peers {
		if p.joined() && p.wants.matches(name) {
			n++
		}
	}
	return n
}
