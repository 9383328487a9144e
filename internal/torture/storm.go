package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// Topics of the storm. What is sent to the first two is audited; the last is made,
// replaced by other shapes and removed all the time.
const (
	stormShared    = "shared"
	stormExclusive = "exclusive"
	stormMixed     = "mixed"
	stormGrouped   = "grouped" // read by queue groups, whose last member may be killed
)

// stormGroups is how many groups come and go there.
const stormGroups = 12

// groupedShape has groups without members put out soon.
func groupedShape() ring.Shape {
	shape := smallShape(ring.Shared)
	shape.StallBudget = 4 * shape.CommitDeadline
	return shape
}

// storm is a short life: join, sometimes recover others, use a topic or two, leave.
func (c *child) storm() error {
	if c.rng.IntN(8) == 0 {
		if err := c.openAnother(); err != nil {
			return err
		}
	}
	if err := c.join(); err != nil {
		return err
	}
	if c.rng.IntN(3) == 0 {
		if _, err := ring.Sweep(c.domain); err != nil && !passingSweep(err) {
			return err
		}
	}
	uses := []func() error{c.visitAudited, c.visitMixed, c.visitReading, c.visitGroup}
	for i := range 2 {
		if err := uses[c.rng.IntN(len(uses))](); err != nil && c.ctx.Err() == nil {
			return err
		}
		if i == 0 {
			c.set(slotReady, 1)
		}
		uses = uses[1:] // one publishing life at most in an audited topic
	}
	c.file = nil
	return c.leave()
}

// openAnother opens a domain that may not be there yet, and leaves it.
func (c *child) openAnother() error {
	config := domainConfig(c.Base)
	config.Domain = fmt.Sprintf("another-%d", c.rng.IntN(12))
	d, err := shm.OpenDomain(config)
	if err != nil {
		return err
	}
	p, err := d.Join(shm.Info{Name: "passer-by"})
	if err == nil {
		err = p.Close()
	}
	return errors.Join(err, d.Close())
}

// passingSweep reports whether recovery met a ring that somebody is removing.
func passingSweep(err error) bool {
	var rights *ring.RightsError
	return errors.As(err, &rights)
}

// visitAudited publishes some messages that count.
func (c *child) visitAudited() (err error) {
	c.Shape, c.Topic = smallShape(ring.Shared), stormShared
	if c.rng.IntN(3) == 0 {
		c.Shape, c.Topic = smallShape(ring.Exclusive), stormExclusive
		c.set(slotTopic, 1)
	}
	if c.file, err = c.openTopic(c.Topic, ring.FileOptions{Shape: c.Shape, Write: true}); err != nil {
		return err
	}
	p, err := c.handle(0)
	for range c.rng.IntN(100) {
		if err == nil {
			p, err = c.publish(p)
		}
	}
	if p != nil {
		p.Close()
	}
	return errors.Join(err, c.file.Close())
}

// visitReading reads a topic for a moment.
func (c *child) visitReading() (err error) {
	topic := []string{stormShared, stormExclusive, stormMixed}[c.rng.IntN(3)]
	return c.readAwhile(topic, ring.JoinOptions{Latest: c.rng.IntN(2) == 0, History: c.rng.Uint64N(40)}, 8)
}

// readAwhile reads a topic for so many milliseconds at most.
func (c *child) readAwhile(topic string, o ring.JoinOptions, ms int) (err error) {
	c.Topic = topic
	if c.file, err = c.openTopic(topic, ring.FileOptions{}); err != nil {
		return err
	}
	rd, err := c.file.Join(o)
	if err == ring.ErrRetired {
		err = c.follow(rd)
	}
	if err != nil {
		return errors.Join(err, c.file.Close())
	}
	var m ring.Message
	var lagged *ring.LaggedError
	for end := time.Now().Add(time.Duration(c.rng.IntN(1000*ms)) * time.Microsecond); time.Now().Before(end) && err == nil; {
		switch err = rd.Next(&m); {
		case err == nil:
			err = c.look(&m)
		case err == ring.ErrEmpty:
			time.Sleep(200 * time.Microsecond)
			err = nil
		case err == ring.ErrRetired:
			err = c.follow(rd)
		case errors.As(err, &lagged):
			err = nil
		}
	}
	rd.Close()
	return errors.Join(err, c.file.Close())
}

// visitMixed asks for a shape of its own, as a publisher may as long as nobody has
// written the topic, and reads or writes it.
func (c *child) visitMixed() (err error) {
	if c.rng.IntN(3) == 0 {
		return c.readAwhile(stormMixed, ring.JoinOptions{Latest: c.rng.IntN(2) == 0}, 60)
	}
	c.Topic = stormMixed
	c.Shape = smallShape([]ring.Kind{ring.Shared, ring.Exclusive}[c.rng.IntN(2)])
	c.Shape.Payload = 128 << c.rng.IntN(3)
	c.file, err = c.openTopic(c.Topic, ring.FileOptions{Shape: c.Shape, Write: true})
	var other *ring.ShapeError
	if errors.As(err, &other) {
		return nil // it was written, or a living producer has it
	}
	if err != nil {
		return err
	}
	if c.rng.IntN(2) == 0 {
		return c.file.Close() // unwritten: the next may have another shape
	}
	address := c.self.Address()
	p, err := c.file.NewProducer(address)
	if err == nil {
		c.pause(time.Duration(c.rng.IntN(2000)) * time.Microsecond)
		makePayload(c.buf[:100], p.Address(), 1, 0)
		err = p.TryPublish(c.buf[:100], &ring.Meta{})
		p.Close()
	}
	if errors.Is(err, ring.ErrRetired) || errors.Is(err, ring.ErrNotExclusive) || err == ring.ErrFull || err == ring.ErrFenced || err == ring.ErrStalled {
		err = nil
	}
	return errors.Join(err, c.file.Close())
}

// visitGroup publishes to the queue groups, or is a member of one for a moment.
func (c *child) visitGroup() (err error) {
	c.Shape, c.Topic, c.Small = groupedShape(), stormGrouped, true
	c.set(slotTopic, 2)
	if c.file, err = c.openTopic(c.Topic, ring.FileOptions{Shape: c.Shape, Write: true}); err != nil {
		return err
	}
	if c.rng.IntN(2) == 0 {
		p, err := c.handle(0)
		for range c.rng.IntN(100) {
			if err == nil {
				p, err = c.publish(p)
			}
		}
		return errors.Join(err, c.file.Close())
	}
	group := 0 // where they meet, mostly; the others come and go
	if c.rng.IntN(2) == 0 {
		group = c.rng.IntN(stormGroups)
	}
	c.set(slotGroup, uint64(group)+1)
	err = c.beMember(fmt.Sprintf("g%d", group), time.Duration(c.rng.IntN(8000))*time.Microsecond)
	return errors.Join(err, c.file.Close())
}

// beMember takes what a group has, for a while.
func (c *child) beMember(group string, d time.Duration) error {
	mb, err := c.file.JoinGroup(group, ring.GroupOptions{Self: c.self.Address()})
	if err != nil {
		return err
	}
	c.set(slotMember, 1)
	defer func() {
		c.set(slotMember, 0)
		mb.Close()
	}()
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := takeOne(mb); err == ring.ErrEmpty {
			time.Sleep(200 * time.Microsecond)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// awaitCompany waits until another newcomer has joined the group that one is about to leave.
func (a *arena) awaitCompany(p *process) {
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Microsecond) {
		a.replace() // lives are short
		for _, other := range a.living() {
			if other != p && a.board.at(other.Slot, slotMember).Load() != 0 &&
				a.board.at(other.Slot, slotGroup).Load() == a.board.at(p.Slot, slotGroup).Load() {
				return
			}
		}
	}
}

// takeOne takes one message, or an event, and is done with it.
func takeOne(mb *ring.Member) error {
	var m ring.Message
	var gone *ring.AbandonedError
	var lagged *ring.LaggedError
	hand, err := mb.Take(&m)
	switch {
	case err == nil:
		if err := checkPayload(m.Payload, m.Producer, m.Sequence); err != nil {
			return err
		}
		return hand.Done()
	case errors.As(err, &gone), errors.As(err, &lagged):
		return nil
	}
	return err
}

// endGroups takes over what members that were killed have left: their groups wait
// for the next member, and the ring waits with them.
func (a *arena) endGroups() {
	f, err := ring.OpenFile(topicPath(a.domain, stormGrouped), ring.NewHost(a.self), ring.FileOptions{Shape: groupedShape()})
	if err != nil {
		a.fault("topic %s: %v", stormGrouped, err)
		return
	}
	for i := range stormGroups {
		mb, err := f.JoinGroup(fmt.Sprintf("g%d", i), ring.GroupOptions{Self: a.self.Address()})
		if err != nil {
			a.fault("group %d: %v", i, err)
			continue
		}
		for idle := 0; idle < 3; {
			switch err := takeOne(mb); {
			case err == ring.ErrEmpty:
				idle++
				time.Sleep(time.Millisecond)
			case err != nil:
				a.fault("group %d: %v", i, err)
				idle = 3
			}
		}
		mb.Close()
	}
	if err := f.Close(); err != nil {
		a.fault("close topic %s: %v", stormGrouped, err)
	}
}

// storm is the scene of the short lives, beside witnesses that must not notice.
func storm(r *run, d time.Duration) error {
	a, err := r.newArena("storm", smallShape(ring.Shared))
	if err != nil {
		return err
	}
	shape := smallShape(ring.Shared)
	if err := a.audit(stormShared, shape); err != nil {
		return err
	}
	if err := a.audit(stormExclusive, smallShape(ring.Exclusive)); err != nil {
		return err
	}
	a.start(task{Role: "produce", Slot: 0, Topic: stormShared, Shape: shape, Small: true, Calm: true})
	a.start(task{Role: "read", Slot: 1, Topic: stormShared, Shape: shape, Calm: true, Witness: true})
	a.start(task{Role: "sweep", Slot: 2})
	for slot := 3; slot < 3+8; slot++ {
		a.start(task{Role: "storm", Slot: slot})
	}
	// A replacement that is not finished by who began it.
	for x := range a.focus {
		a.focus[x] = r.near("ring:adopt", "ring:take name", "shm:name directory")
	}
	a.focus[stop] = append(a.focus[stop], r.near("ring:jump gate", "ring:sweep litter")...)
	// A group that is left by its last member, whom another follows before it has looked again.
	a.focus[stop] = append(a.focus[stop], r.near("ring:look for members again")...)
	a.sequel = make(map[int][]int)
	a.company = r.near("ring:look for members again")[0]
	a.sequel[a.company] = r.near("ring:keep group")
	for _, p := range r.near("ring:adopt", "ring:take name") {
		a.sequel[p] = r.near("ring:finish", "ring:finish adopt")
	}
	for end := time.Now().Add(d); time.Now().Before(end) && !a.failed(); {
		x := kill
		if a.rng.IntN(5) < 2 {
			x = stop
		}
		a.strike(x)
		a.replace()
	}
	a.atEnd = a.endGroups
	return a.conclude()
}
