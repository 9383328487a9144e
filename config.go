package ringcast

import (
	"fmt"
	"os"
	"time"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// Version is the version of this library; the layout has its own (spec/segment.md).
const Version = "0.1.0-dev"

// A Mode says what a topic does to its publishers when a subscription is slow.
type Mode = ring.Mode

// Modes of a topic.
const (
	// Reliable topics wait for their slowest reliable subscription, within its stall budget.
	Reliable = ring.Reliable
	// Latest topics wait for nobody. A reader that is too slow misses messages, and is
	// told.
	Latest = ring.Latest
)

// A Config says which domain to join, and as whom. The zero value, like nil, is the default
// domain at the default place. Open copies it.
type Config struct {
	// Dir is the directory that holds the domains. Empty means RINGCAST_SHM_DIR; if unset,
	// /dev/shm/ringcast for root and the group ringcast, and /dev/shm/ringcast-UID for
	// others.
	Dir string
	// Domain is the domain's name. Empty means "default".
	Domain string
	// Name is this process's name in lists. Empty means the program's name.
	Name string
	// Node asks for this node id. Zero means the directory's, or one made from the
	// machine's.
	Node uint32
	// Mode is the mode of the files of a domain that Open makes, whatever the umask. Zero
	// means 0600, or 0660 with a group. An existing domain keeps its rights, and everything
	// made in it gets them; asking for others is an *OtherRightsError.
	Mode os.FileMode
	// Owner is the user who owns a domain that Open makes, by name or number. Empty means
	// its maker. Only root can give it to others.
	Owner string
	// Group is its group, by name or number; this process must be a member. Empty means the
	// group ringcast at that group's place, elsewhere what the system gives.
	Group string
	// Memory says how to get the pages of topics: prefaulted, huge, on which NUMA nodes.
	// Zero means what RINGCAST_MEMORY says; if unset, what the system does.
	Memory Memory
	// InFlight is how many requests may be open at once; further ones wait. The inbox has a
	// slot for each, and a quarter more. Zero means 96; the maximum is 49152.
	InFlight int
	// InboxSlotSize is the most bytes of a message or reply to this process, up to 16 MiB.
	// Zero means 2048.
	InboxSlotSize int
	// Wait is how publishers and subscriptions wait that do not choose. Zero means Block.
	Wait Wait
}

// maxConfigName bounds a participant's name, which every list shows.
const maxConfigName = 64

func (c *Config) validate() error {
	if len(c.Name) > maxConfigName {
		return shm.Invalid("config: name of %d bytes: want at most %d", len(c.Name), maxConfigName)
	}
	if err := c.Wait.validate(); err != nil {
		return fmt.Errorf("config: %w", err)
	}
	switch {
	case c.InFlight < 0 || c.InFlight > maxInFlight:
		return shm.Invalid("config: in flight %d: want 0 to %d", c.InFlight, maxInFlight)
	case c.InboxSlotSize < 0 || c.InboxSlotSize > maxInboxSlot:
		return shm.Invalid("config: inbox slot size %d: want 0 to %d", c.InboxSlotSize, maxInboxSlot)
	}
	return nil
}

// Bounds of an inbox: a correlation has 16 bits for slots, and a slot has to hold a block besides.
const (
	maxInFlight  = 3 << 14
	maxInboxSlot = layout.MaxMessage - layout.AddressBlockSize
)

func (c *Config) withDefaults() Config {
	out := *c
	if out.Domain == "" {
		out.Domain = shm.DefaultDomain
	}
	if out.Name == "" {
		out.Name = programName()
	}
	return out
}

// complete copies a configuration, which may be nil, checks it and fills it in.
func (c *Config) complete() (Config, error) {
	if c == nil {
		c = &Config{}
	}
	if err := c.validate(); err != nil {
		return Config{}, err
	}
	return c.withDefaults(), nil
}

func (c *Config) domain() *shm.Config {
	return &shm.Config{Base: c.Dir, Domain: c.Domain, Node: c.Node, Mode: c.Mode, Owner: c.Owner, Group: c.Group}
}

// Memory says how this process gets the pages of topics. See [Config].
type Memory = shm.Memory

// Rights say who owns a topic and who may use it. A zero field asks for nothing: the topic
// gets what the domain has. See [PublisherConfig].
type Rights = shm.Rights

// A PublisherConfig says what ring a publisher asks for and how it marks its messages. The
// zero value, like nil, takes the topic as it is, or makes one of 1024 slots of 2048 bytes,
// reliable and shared. A topic that was written before keeps its shape; asking for another
// is a *ShapeError. It is copied.
type PublisherConfig struct {
	// Slots is how many messages the ring holds: a power of two from 4 (64 in mode latest)
	// to 2^20. Zero asks for nothing: a new topic has 1024. If its slots are larger than 16
	// KiB, it has as many as carry 16 MiB together, which stay in most machines' caches,
	// but at least 64 and twice the History. A stream at full rate goes up to twice as fast
	// through a ring larger than a core's own caches, such as 4 MiB in all
	// (doc/decisions/405).
	Slots int
	// SlotSize is how many bytes of payload one slot carries, up to 16 MiB, rounded up to a
	// multiple of 64. Zero asks for nothing. A message may be as large as half of the ring.
	SlotSize int
	// Mode is Reliable or Latest. Zero asks for nothing.
	Mode Mode
	// Exclusive asks for a ring that takes one publisher at a time and is faster.
	Exclusive bool
	// Solo promises that one goroutine at a time uses the publisher. A message then costs
	// no locked instruction of this package's own, and an exclusive topic goes several
	// times as fast. A second goroutine gets ErrBusy if it is noticed; if not, it may break
	// messages of both. Close may be called from any goroutine.
	Solo bool
	// History is how many messages back a subscription may start, at most half of the
	// slots. Zero asks for nothing.
	History int
	// StallBudget is how long a reliable reader may hold publishers up before it is put out
	// and told what it missed (*LaggedError): 100 ms to 1 h. Zero asks for nothing: a new
	// topic has 500 ms.
	StallBudget time.Duration
	// Timestamps puts the wall clock's time into every message (about 40 ns each).
	Timestamps bool
	// Rights say who owns the topic and who may use it. Those who may write its mode may
	// publish, those who may read it may subscribe, as far as the domain lets them join.
	// With 0640, the group subscribes and only the owner publishes. A topic that was
	// written before keeps its rights; asking for others is an *OtherRightsError. Zero asks
	// for nothing.
	Rights Rights
	// Schema is the low half of the hash of the schema of FlatBuffers payloads,
	// for tools. Zero means unknown.
	Schema uint32
	// Wait is how to wait for room. Zero means as the bus does (Config.Wait).
	Wait Wait
}

// shape is what the configuration asks of a ring.
func (c *PublisherConfig) shape() ring.Shape {
	s := ring.Shape{Slots: c.Slots, Payload: c.SlotSize, Mode: c.Mode, History: c.History, StallBudget: c.StallBudget}
	if c.Exclusive {
		s.Kind = ring.Exclusive
	}
	return s
}

// options are how the topic's ring is opened.
func (c *PublisherConfig) options() ring.FileOptions {
	return ring.FileOptions{Shape: c.shape(), Write: true, Rights: c.Rights}
}

// A SubscriberConfig says how a subscription reads. The zero value, like nil, reads
// reliably, from now on, from all nodes. It is copied.
type SubscriberConfig struct {
	// Latest holds nobody back: the subscription misses what it is too slow for, and gets
	// copies of the messages. Topics of mode Latest are always read this way.
	Latest bool
	// LocalOnly excludes what comes from other nodes.
	LocalOnly bool
	// History is how many messages back to start, as far as the ring has them; math.MaxInt
	// means all. Once this node begins to want the topic, every other node sends as many,
	// as far as its rings have them; what is lost on the way is a *LossError. What this
	// node has read of the topic before is in its own ring and comes first.
	History int
	// Group makes the subscription a member of the topic's queue group of that name (1 to
	// 32 of A-Z a-z 0-9 _ -): each message goes to one member, whichever is free. See
	// Bus.Subscribe.
	Group string
	// Wait is how to wait for messages. Zero means as the bus does (Config.Wait).
	Wait Wait
}

func (c *SubscriberConfig) validate(wild bool) error {
	if c.History < 0 {
		return shm.Invalid("subscriber config: history %d: want 0 or more", c.History)
	}
	if err := c.Wait.validate(); err != nil {
		return fmt.Errorf("subscriber config: %w", err)
	}
	if c.Group == "" {
		return nil
	}
	switch {
	case wild:
		return shm.Invalid("subscriber config: group %q of a pattern: a group is one topic's; join it for each topic and Merge", c.Group)
	case c.Latest:
		return shm.Invalid("subscriber config: group %q with Latest: a group misses nothing and is read reliably", c.Group)
	case c.History > 0:
		return shm.Invalid("subscriber config: group %q with history: a group goes on where it stands", c.Group)
	}
	return nil
}
