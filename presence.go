package ringcast

import (
	"fmt"
	"strings"

	"github.com/ringcast/ringcast/shm"
)

// A PresenceKind says what came or went.
type PresenceKind uint8

// The kinds of presence.
const (
	// PresenceNode is another node, as this node's forwarder knows it.
	PresenceNode PresenceKind = iota + 1
	// PresenceParticipant is a process in the domain.
	PresenceParticipant
	// PresencePublisher is a participant that publishes a topic.
	PresencePublisher
	// PresenceSubscriber is a participant, or another node, that subscribes to a topic or a
	// pattern.
	PresenceSubscriber
	// PresenceInstance is a participant that serves a name.
	PresenceInstance
	// PresenceQuarantine is a source that this node's forwarder ignores for a while because
	// it floods or babbles; up as long as it is ignored. Its name is the source, with what
	// it did.
	PresenceQuarantine
)

var presenceKinds = [...]string{"", "node", "participant", "publisher", "subscriber", "instance", "quarantine"}

// String returns the kind in one word.
func (k PresenceKind) String() string { return nameOf(presenceKinds[:], uint8(k)) }

// A PresenceReason says why something is down.
type PresenceReason uint8

// The reasons. Something that is up has none.
const (
	// ReasonLeft means that it was closed or stopped, or that its process left the domain
	// in order.
	ReasonLeft PresenceReason = iota + 1
	// ReasonDied means that its process ended without leaving.
	ReasonDied
	// ReasonNodeDown means that its node is no longer heard, or has begun anew.
	ReasonNodeDown
	// ReasonNoForwarder means that this node has no forwarder, so nothing is known of
	// others.
	ReasonNoForwarder
	// ReasonNodeLeft means that the forwarder of its node was stopped, and said so.
	ReasonNodeLeft
	// ReasonReleased means that its quarantine is over.
	ReasonReleased
)

var presenceReasons = [...]string{"", "left", "died", "node down", "no forwarder", "node left", "released"}

// String returns the reason in one or two words; empty if there is none.
func (r PresenceReason) String() string { return nameOf(presenceReasons[:], uint8(r)) }

// nameOf is the name of a value, and its number where it has none.
func nameOf(names []string, value uint8) string {
	if int(value) < len(names) {
		return names[value]
	}
	return fmt.Sprint(value)
}

// A PresenceEvent is one change of who is there. It is a copy and belongs to the caller.
type PresenceEvent struct {
	Kind   PresenceKind
	Up     bool
	First  bool           // it was up already when watching began
	Reason PresenceReason // why it is down
	// Name is that of the node, participant, topic, pattern or service; of a quarantine,
	// the source and what it did.
	Name string
	// Address is the participant's. For a node, and for a subscriber that its node does not
	// name, only Node and Epoch are set.
	Address Address
	// Program is the name of the participant that publishes, subscribes or serves.
	Program  string
	Language uint8  // of the participant: layout.Language
	Version  string // of the participant's program
	// Limit is how many requests an instance runs at a time. Room is how many more it would
	// have taken when it began.
	Room, Limit int
}

// String returns the event as a line: "up publisher orders.eu of desk, n7-1f03.12.5".
func (e PresenceEvent) String() string {
	word := "up"
	if !e.Up {
		word = "down"
	}
	text := fmt.Sprintf("%s %v %s", word, e.Kind, e.Name)
	if e.Program != "" && e.Kind > PresenceParticipant {
		text += " of " + e.Program
	}
	if e.Kind != PresenceQuarantine {
		text += fmt.Sprintf(", %v", e.Address)
	} else if e.Address.Node != 0 {
		text += fmt.Sprintf(", node %d", e.Address.Node)
	}
	if e.Reason != 0 {
		text += " (" + e.Reason.String() + ")"
	}
	return text
}

// A presenceKey is what makes one thing: a name that a participant says twice is said once.
type presenceKey struct {
	kind    PresenceKind
	address shm.Address
	name    string
}

func (e *PresenceEvent) key() presenceKey { return presenceKey{e.Kind, e.Address, e.Name} }

// presences are the events that would tell all of a state: each is up.
type presences map[presenceKey]PresenceEvent

func (p presences) add(e PresenceEvent) {
	e.Up = true
	p[e.key()] = e
}

// addRow adds a participant of this node and what it says of itself.
func (p presences) addRow(row *shm.Row) {
	base := PresenceEvent{Address: row.Address, Program: row.Info.Name, Language: row.Info.Language, Version: row.Info.Version}
	self := base
	self.Kind, self.Name = PresenceParticipant, row.Info.Name
	p.add(self)
	p.addInfo(base, row.Info.Interests, row.Info.Services)
}

func (p presences) addInfo(base PresenceEvent, interests []shm.Interest, services []shm.Service) {
	for _, in := range interests {
		e := base
		e.Kind, e.Name = PresenceSubscriber, in.Name
		if in.Publisher {
			e.Kind = PresencePublisher
		}
		p.add(e)
	}
	for _, s := range services {
		e := base
		e.Kind, e.Name, e.Limit, e.Room = PresenceInstance, s.Name, int(s.Limit), int(s.Room)
		p.add(e)
	}
}

// overlap reports whether some name is matched by both; each may be a name or a pattern.
func overlap(a, b string) bool {
	if shm.IsSystemName(a) != shm.IsSystemName(b) {
		return false // a pattern that begins with $ spells the first token out
	}
	return overlapTokens(strings.Split(a, "."), strings.Split(b, "."))
}

func overlapTokens(a, b []string) bool {
	for ; len(a) > 0 && len(b) > 0; a, b = a[1:], b[1:] {
		if a[0] == ">" || b[0] == ">" {
			return true
		}
		if a[0] != b[0] && a[0] != "*" && b[0] != "*" {
			return false
		}
	}
	return len(a) == len(b)
}
