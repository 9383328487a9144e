package bench

import (
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"time"

	"github.com/ringcast/ringcast"
)

// A Scenario is who talks to whom.
type Scenario string

// Scenarios.
const (
	// Stream is one topic, any number of producers and readers.
	Stream Scenario = "stream"
	// PingPong is a round trip over two topics.
	PingPong Scenario = "pingpong"
	// Wake is one message after a pause, to a reader that may have gone to sleep.
	Wake Scenario = "wake"
	// Idle is readers asleep on many topics on which nothing comes.
	Idle Scenario = "idle"
	// Request is requests to a service and their replies, one at a time.
	Request Scenario = "request"
	// Survey is a question to all readers, until the last has answered.
	Survey Scenario = "survey"
)

// A Waiting says how everybody waits: block, spin or yield.
type Waiting string

// Ways of waiting, as in the root package.
const (
	Block Waiting = "block"
	Spin  Waiting = "spin"
	Yield Waiting = "yield"
)

func (w Waiting) policy() (ringcast.Wait, error) {
	switch w {
	case Block, "":
		return ringcast.Block, nil
	case Spin:
		return ringcast.Spin, nil
	case Yield:
		return ringcast.Yield, nil
	}
	return 0, fmt.Errorf("way of waiting %q: want block, spin or yield", string(w))
}

// A Spec is the work of one run. It is plain data and may be copied.
type Spec struct {
	Scenario Scenario `json:"scenario"`
	// Size is the payload in bytes, at least 16. Zero means 256.
	Size int `json:"size"`
	// Rate is how many messages all producers together offer a second, at
	// instants fixed beforehand. Zero means as fast as they are taken.
	Rate float64 `json:"rate,omitempty"`
	// Pause is how long a Wake sleeps between two messages. Zero means 10 ms.
	Pause time.Duration `json:"pause_ns,omitempty"`
	// Topics are what each reader of an Idle sleeps on. Zero means 100.
	Topics int `json:"topics,omitempty"`
	// Producers of a Stream, those who ask a Request; Readers of a Stream, an Idle or a
	// Survey. Zero means 1.
	Producers int `json:"producers"`
	Readers   int `json:"readers"`
	// Copy publishes from memory of the producer's own and copies on the reader's
	// side, instead of writing and reading in place.
	Copy bool `json:"copy,omitempty"`
	// Batch claims and commits that many messages at once where the producer of a
	// Stream goes as fast as it can. Zero means one by one.
	Batch int `json:"batch,omitempty"`
	// Exclusive asks for topics that take one publisher.
	Exclusive bool `json:"exclusive,omitempty"`
	// Apart gives each producer of a Stream a topic of its own, all of which every reader takes by one pattern: nobody writes
	// where another one writes, and messages of two producers have no order, as on a topic that they share.
	Apart bool    `json:"apart,omitempty"`
	Wait  Waiting `json:"wait"`
	// Pin lists cores: the first process runs on the first, and so on, round about;
	// producers come before readers. Empty pins nobody.
	Pin []int `json:"pin,omitempty"`
	// Duration is how long is measured, after Warmup. Zero means 3 s after 500 ms.
	Duration time.Duration `json:"duration_ns"`
	Warmup   time.Duration `json:"warmup_ns"`
	// Every is the length of an interval of the measured time that is noted by itself;
	// Complete lengthens it to a 120th of Duration. Zero notes only the whole.
	Every time.Duration `json:"every_ns,omitempty"`
	// Slots and SlotSize are the shape of the ring. Zero means 1024 slots of the
	// message's size, rounded up to 64 bytes.
	Slots    int `json:"slots"`
	SlotSize int `json:"slot_size"`
	// Prefault maps the ring's pages when it is opened, so that a run which is over before the
	// first lap of a large ring does not measure page faults.
	Prefault bool `json:"prefault,omitempty"`
	// StallBudget is how long a reader may hold its producers up before it misses
	// messages. Zero means as every new topic has it, 500 ms.
	StallBudget time.Duration `json:"stall_budget_ns,omitempty"`
}

// DeepSlots is how many slots a stream of messages of that size goes fastest with: a ring larger
// than a core's own caches, some 4 MiB, as the logs of 16 to 64 MiB are that it is compared with.
func DeepSlots(size int) int {
	return 1 << bits.Len(uint(deepRing/(size+128))) >> 1
}

// deepRing is the most that a ring of DeepSlots takes, with 128 bytes of a slot besides the message.
const deepRing = 19 << 18

// Limits of a run: what fits the board that its processes share, and a
// histogram. A process needs 20 ms of each core to start.
const (
	minSize      = 16
	maxProcesses = 64
	maxDuration  = time.Hour
)

// Complete fills in what is zero and says what is wrong.
func (s Spec) Complete() (Spec, error) {
	s = s.withDefaults()
	s = s.withCrowd()
	if _, err := s.Wait.policy(); err != nil {
		return s, err
	}
	switch {
	case !slices.Contains([]Scenario{Stream, PingPong, Wake, Idle, Request, Survey}, s.Scenario):
		return s, fmt.Errorf("scenario %q: want stream, pingpong, wake, idle, request or survey", string(s.Scenario))
	case s.Scenario == Idle && (s.Topics < 1 || s.Topics > 10_000):
		return s, fmt.Errorf("%d topics: want 1 to 10000", s.Topics)
	case s.Size < minSize || s.Size > 16<<20:
		return s, fmt.Errorf("size %d: want %d bytes to 16 MiB; the first 16 bear number and time", s.Size, minSize)
	case s.Size > s.SlotSize:
		return s, fmt.Errorf("size %d in slots of %d bytes: a message that is written in place must fit a slot", s.Size, s.SlotSize)
	case s.Producers < 1 || s.Readers < 1 || s.Producers+s.Readers > maxProcesses:
		return s, fmt.Errorf("%d producers and %d readers: want at least one of each, at most %d together", s.Producers, s.Readers, maxProcesses)
	case s.Exclusive && s.Producers > 1 && !s.Apart:
		return s, fmt.Errorf("%d producers of an exclusive topic: it takes one; leave exclusive away, or give each a topic of its own (apart)", s.Producers)
	case s.Apart && s.Scenario != Stream:
		return s, fmt.Errorf("topics apart with scenario %s: only the producers of a stream have a topic each", s.Scenario)
	case s.Slots < 4 || bits.OnesCount(uint(s.Slots)) != 1:
		return s, fmt.Errorf("%d slots: want a power of two from 4 to 2^20", s.Slots)
	case !(s.Rate >= 0): // nor NaN
		return s, fmt.Errorf("rate %v: want messages a second, or 0 for as fast as possible", s.Rate)
	case s.Batch < 0:
		return s, fmt.Errorf("batch of %d messages: want 1 or more, or 0 for one by one", s.Batch)
	case s.Batch > 0 && (s.Scenario != Stream || s.Rate > 0 || s.Copy):
		return s, fmt.Errorf("batch of %d messages: only a stream without a rate is written in place in batches", s.Batch)
	case s.Rate > 0 && (s.Scenario == Wake || s.Scenario == Idle):
		return s, fmt.Errorf("rate %v with scenario %s: only streams, round trips and requests have one", s.Rate, s.Scenario)
	case s.Duration < 0 || s.Duration > maxDuration || s.Warmup < 0 || s.Warmup > maxDuration:
		return s, fmt.Errorf("duration %v after warm-up %v: want at most %v each", s.Duration, s.Warmup, maxDuration)
	case s.Pause < 0:
		return s, fmt.Errorf("pause of %v: want a time above 0", s.Pause)
	case s.Every < 0:
		return s, fmt.Errorf("intervals of %v: want a length of time, or 0 for none", s.Every)
	}
	if s.Every > 0 {
		s.Every = max(s.Every, s.Duration/mostIntervals)
	}
	return s, s.checkPin()
}

// heading is what a message of the scenario has in its slot besides the payload.
func (s Scenario) heading() int {
	if s == Survey {
		return 64 // who asks, rounded up
	}
	return 0
}

// withCrowd leaves those scenarios with one producer or one reader that have no more.
func (s Spec) withCrowd() Spec {
	if s.Scenario != Stream && s.Scenario != Request {
		s.Producers = 1
	}
	if s.Scenario != Stream && s.Scenario != Idle && s.Scenario != Survey {
		s.Readers = 1
	}
	return s
}

func (s Spec) checkPin() error {
	for _, cpu := range s.Pin {
		if cpu < 0 || cpu >= runtime.NumCPU() {
			return fmt.Errorf("pin to core %d: this process may use %d, numbered from 0", cpu, runtime.NumCPU())
		}
	}
	return nil
}

func (s Spec) withDefaults() Spec {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&s.Size, 256)
	def(&s.Producers, 1)
	def(&s.Readers, 1)
	def(&s.Slots, 1024)
	def(&s.SlotSize, (s.Size+63)&^63+s.Scenario.heading())
	if s.Duration == 0 {
		s.Duration = 3 * time.Second
	}
	if s.Warmup == 0 {
		s.Warmup = 500 * time.Millisecond
	}
	if s.Pause == 0 {
		s.Pause = 10 * time.Millisecond
	}
	if s.Wait == "" {
		s.Wait = Block
	}
	if s.Scenario == Idle {
		def(&s.Topics, 100)
	}
	return s
}

// roles are the processes of the run, in the order of their seats.
func (s Spec) roles() []role {
	switch s.Scenario {
	case PingPong:
		return []role{rolePing, rolePong}
	case Wake:
		return []role{roleCaller, roleSleeper}
	case Idle:
		return crowd(roleKeeper, 1, roleIdler, s.Readers)
	case Request:
		return crowd(roleAsker, s.Producers, roleServer, 1)
	case Survey:
		return crowd(roleSurveyor, 1, roleAnswerer, s.Readers)
	}
	return crowd(roleProducer, s.Producers, roleReader, s.Readers)
}

// crowd is so many of one role, and then so many of another.
func crowd(a role, n int, b role, m int) []role {
	return append(slices.Repeat([]role{a}, n), slices.Repeat([]role{b}, m)...)
}

// cpu is the core of a seat, and whether it has one.
func (s Spec) cpu(seat int) (int, bool) {
	if len(s.Pin) == 0 {
		return 0, false
	}
	return s.Pin[seat%len(s.Pin)], true
}
