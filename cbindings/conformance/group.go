package main

import "fmt"

// few is how many messages go to a group nobody reads: they fit into the ring.
const few = 40

// A groupTally is what members of one group said.
type groupTally struct {
	took      map[int]int // how often each sequence
	abandoned map[int]int
	missed    int
}

func newTally() *groupTally {
	return &groupTally{took: make(map[int]int), abandoned: make(map[int]int)}
}

// note takes a member's line.
func (t *groupTally) note(line string) error {
	var what string
	var n int
	if _, err := fmt.Sscanf(line, "%s %d", &what, &n); err != nil {
		return fmt.Errorf("a member says %q", line)
	}
	switch what {
	case "took":
		t.took[n]++
	case "abandoned":
		t.abandoned[n]++
	case "missed":
		t.missed += n
	default:
		return fmt.Errorf("a member says %q", line)
	}
	return nil
}

// events is how many messages are accounted for.
func (t *groupTally) events() int { return len(t.took) + len(t.abandoned) + t.missed }

// exactly says whether messages first to count came, each to one, and nothing else.
func (t *groupTally) exactly(first, count int) error {
	for n := first; n <= count; n++ {
		if t.took[n] != 1 {
			return fmt.Errorf("message %d came %d times", n, t.took[n])
		}
	}
	if len(t.took) != count-first+1 || t.missed != 0 {
		return fmt.Errorf("%d messages came and %d were missed, of %d", len(t.took), t.missed, count-first+1)
	}
	return nil
}

// join starts a member.
func (s *stage) join(l language) (*process, error) {
	return s.start(l, "ready", "member", topic, "g")
}

// group is a writer and a member of either language.
func (s *stage) group() error {
	var members []*process
	for _, l := range []language{s.cell.reader, s.cell.writer} {
		p, err := s.join(l)
		if err != nil {
			return err
		}
		members = append(members, p)
	}
	if err := s.write("reliable", "whole", messages); err != nil {
		return err
	}
	t := newTally()
	if err := s.gather(t, messages, members...); err != nil {
		return err
	}
	if err := t.exactly(1, messages); err != nil {
		return err
	}
	if len(t.abandoned) != 0 {
		return fmt.Errorf("%d messages were reported although nobody died", len(t.abandoned))
	}
	return nil
}

// abandoned kills a member with message 1 in hand.
func (s *stage) abandoned() error {
	victim, err := s.start(s.cell.reader, "ready", "hold", topic, "g")
	if err != nil {
		return err
	}
	if err := s.write("reliable", "whole", few); err != nil {
		return err
	}
	if err := victim.expect("holding 1"); err != nil {
		return fmt.Errorf("%s hold: %w", s.cell.reader.name, err)
	}
	victim.kill()
	heir, err := s.join(s.cell.writer)
	if err != nil {
		return err
	}
	t := newTally()
	if err := s.gather(t, few, heir); err != nil {
		return err
	}
	if len(t.abandoned) != 1 || t.abandoned[1] != 1 {
		return fmt.Errorf("reported %v, want message 1, once", t.abandoned)
	}
	return t.exactly(2, few)
}

// gather reads what the members say until count messages are accounted for, sends them
// away, and takes what they say until their ends.
func (s *stage) gather(t *groupTally, count int, members ...*process) error {
	lines := make(chan string)
	ended := make(chan error, len(members))
	for _, p := range members {
		go func() { ended <- p.each(s.ctx, lines) }()
	}
	for left := len(members); left > 0; {
		select {
		case line := <-lines:
			if err := t.note(line); err != nil {
				return err
			}
			if t.events() >= count {
				for _, p := range members {
					p.closeInput()
				}
			}
		case err := <-ended:
			if err != nil {
				return err
			}
			left--
		case <-s.ctx.Done():
			return fmt.Errorf("%d of %d messages are accounted for: %w", t.events(), count, s.ctx.Err())
		}
	}
	return nil
}
