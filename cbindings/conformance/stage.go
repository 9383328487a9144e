package main

import (
	"context"
	"fmt"
)

// A stage is where the peers of one cell run.
type stage struct {
	ctx       context.Context
	cell      cell
	dir       string // of the domain
	domain    string // its name; empty: the default
	processes []*process
}

// topic is what every cell's messages go to.
const topic = "t"

// start runs a peer of the language and waits for the line that says it is so far,
// if one is given. The peer ends with the stage.
func (s *stage) start(l language, line string, args ...string) (*process, error) {
	environment := []string{"RINGCAST_SHM_DIR=" + s.dir}
	if s.domain != "" {
		environment = append(environment, domainVariable+"="+s.domain)
	}
	p, err := start(s.ctx, environment, l.run, args...)
	if err == nil {
		s.processes = append(s.processes, p)
		if line != "" {
			err = p.expect(line)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", l.name, args[0], err)
	}
	return p, nil
}

// end kills whoever still runs.
func (s *stage) end() {
	for _, p := range s.processes {
		p.kill()
	}
}

// write runs the writer from its begin to its end.
func (s *stage) write(mode, what string, count int) error {
	p, err := s.start(s.cell.writer, "", "write", topic, s.cell.kind, mode, what, fmt.Sprint(count))
	if err != nil {
		return err
	}
	if text, err := p.wait(); err != nil {
		return fmt.Errorf("%s write: %w: %s", s.cell.writer.name, err, text)
	}
	return nil
}

// read starts the reader of so many messages.
func (s *stage) read(reading string, count int) (*process, error) {
	return s.start(s.cell.reader, "ready", "read", topic, reading, "0", fmt.Sprint(count))
}

// stream is a reader and a writer on a ring of that mode.
func (s *stage) stream(mode, reading string) error {
	reader, err := s.read(reading, messages)
	if err != nil {
		return err
	}
	if err := s.write(mode, "all", messages); err != nil {
		return err
	}
	return s.came(reader, messages, reading == "reliable")
}

// few is a reader and a writer on a ring of four slots, the smallest.
func (s *stage) few() error {
	reader, err := s.read("reliable", fewMessages)
	if err != nil {
		return err
	}
	if err := s.write("few", "half", fewMessages); err != nil {
		return err
	}
	return s.came(reader, fewMessages, true)
}

// killed is a stream behind a writer that is killed in its claim.
func (s *stage) killed() error {
	reader, err := s.read("reliable", messages)
	if err != nil {
		return err
	}
	victim, err := s.start(s.cell.writer, "claimed", "claim", topic, s.cell.kind, "reliable")
	if err != nil {
		return err
	}
	victim.kill()
	if err := s.write("reliable", "all", messages); err != nil {
		return err
	}
	return s.came(reader, messages, true)
}

// came waits for the end of a reader and says whether it got what it should of so many: all,
// or something, with every gap told.
func (s *stage) came(reader *process, count int, all bool) error {
	text, err := reader.wait()
	if err != nil {
		return fmt.Errorf("%s read: %w: %s", s.cell.reader.name, err, text)
	}
	var got, missed int
	if _, err := fmt.Sscanf(text, "got %d missed %d", &got, &missed); err != nil {
		return fmt.Errorf("%s read: says %q: %w", s.cell.reader.name, text, err)
	}
	if got+missed != count || all && missed != 0 || got < 1 {
		return fmt.Errorf("%d messages came, %d did not, %d were sent", got, missed, count)
	}
	return nil
}
