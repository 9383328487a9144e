package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/codec/layout"
)

// A refusal is something that every language refuses, with the word for why: that of the
// code in C, in small letters without RC_ERROR_.
type refusal struct{ what, why string }

// refusals are all that are provoked; doc/errors.md says what each language makes of them.
var refusals = []refusal{
	{"domain-name", "name"},
	{"participant-name", "invalid"},
	{"domain-mode", "invalid"},
	{"domain-rights", "permission"},
	{"domain-node", "invalid"},
	{"topic-name", "name"},
	{"topic-pattern", "name"},
	{"bad-pattern", "name"},
	{"slots", "invalid"},
	{"few-slots", "invalid"},
	{"slot-size", "invalid"},
	{"history", "invalid"},
	{"other-shape", "shape"},
	{"other-kind", "shape"},
	{"topic-mode", "invalid"},
	{"topic-owner", "invalid"},
	{"topic-group", "invalid"},
	{"topic-rights", "permission"},
	{"owned", "not_exclusive"},
	{"too-large", "too_large"},
	{"claim-too-large", "too_large"},
	{"full", "full"},
	{"no-room-in-time", "timed_out"},
	{"empty", "nothing"},
	{"none-in-time", "timed_out"},
	{"claim-taken", "fenced"},
	{"second-claim", "busy"},
	{"claim-ended", "invalid"},
	{"closed", "closed"},
	{"not-ours", "not_ours"},
	{"other-version", "other_version"},
	{"damaged", "damaged"},
	{"broken-of-pattern", "not_ours"},
	{"readers-full", "readers_full"},
	{"group-name", "invalid"},
	{"group-of-pattern", "invalid"},
	{"group-history", "invalid"},
	{"group-of-latest", "mode"},
	{"group-fragments", "too_large"},
	{"group-crowd", "readers_full"},
}

// lacking are the refusals that a language has no call for, with the reason.
var lacking = map[string]map[string]string{
	"c": {"closed": "a closed handle is a pointer to freed memory"},
}

// refuse has a peer do all that is refused, and compares its words.
func (m *matrix) refuse(l language, part string) {
	said, err := m.refusalsOf(l)
	for _, r := range refusals {
		name := "conformance/" + l.name + "/refuses/" + r.what
		if !strings.Contains(name, part) || lacking[l.name][r.what] != "" {
			continue
		}
		e := err
		if got := said[r.what]; e == nil && got != r.why {
			e = fmt.Errorf("says %q, want %q", got, r.why)
		}
		m.count(name, e)
	}
}

// refusalsOf runs the peer in a domain of its own and returns a word for each refusal.
func (m *matrix) refusalsOf(l language) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	s := &stage{ctx: ctx, dir: filepath.Join(m.dir, l.name+".refusals")}
	defer os.RemoveAll(s.dir)
	defer s.end()
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: s.dir, Node: 7})
	if err != nil {
		return nil, err
	}
	defer bus.Close()
	if err := spoil(filepath.Join(s.dir, "default", "topics")); err != nil {
		return nil, err
	}
	p, err := s.start(l, "", "refuse")
	if err != nil {
		return nil, err
	}
	text, err := p.wait()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, text)
	}
	said := make(map[string]string)
	for line := range strings.Lines(text) {
		what, why, _ := strings.Cut(strings.TrimSpace(line), " ")
		said[what] = why
	}
	return said, nil
}

// spoil lays files that no ring is into the folder of topics.
func spoil(topics string) error {
	golden, err := os.ReadFile(filepath.Join(goldenRings["reliable"][0].at("shared"), topic+".ctl"))
	if err != nil {
		return err
	}
	strange, other, damaged := []byte("not a segment, but long enough to look like one: "+strings.Repeat(".", 4096)), golden, append([]byte(nil), golden...)
	damaged[layout.SegmentHeaderSize]++ // its checksum is that of other bytes
	other = append([]byte(nil), golden...)
	other[layout.SegmentHeaderLayoutHashOffset]++
	binary.LittleEndian.PutUint32(other[layout.SegmentHeaderChecksumOffset:], checksum(other))
	for name, b := range map[string][]byte{"not-ours": strange, "spoiled.one": strange, "other-version": other, "damaged": damaged} {
		if err := os.WriteFile(filepath.Join(topics, name+".ctl"), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}
