package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/codec/table"
	"github.com/ringcast/ringcast/shm"
)

// presence runs a language against directories of other nodes that the framework writes in the
// place of a forwarder: what it is told of who comes and goes, and how many it counts.
func (m *matrix) presence(l language, part string) {
	for _, c := range []struct {
		what string
		run  func(*stage, language, *forwarder) error
	}{{"watches", (*stage).watches}, {"counts", (*stage).counts}} {
		if name := "conformance/" + l.name + "-" + c.what + "-other-nodes"; l.nodes && strings.Contains(name, part) {
			m.count(name, m.withForwarder(l, name, c.run))
		}
	}
}

func (m *matrix) withForwarder(l language, name string, run func(*stage, language, *forwarder) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), cellPatience)
	defer cancel()
	s := &stage{ctx: ctx, dir: filepath.Join(m.dir, filepath.Base(name))}
	defer os.RemoveAll(s.dir)
	defer s.end()
	f, err := playForwarder(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(run(s, l, f), f.close())
}

// A forwarder is played: nobody but the framework says what it knows.
type forwarder struct {
	domain *shm.Domain
	self   *shm.Participant
	seat   *shm.ForwarderSeat
}

func playForwarder(dir string) (*forwarder, error) {
	d, err := shm.OpenDomain(&shm.Config{Base: dir})
	if err != nil {
		return nil, err
	}
	f := &forwarder{domain: d}
	if f.self, err = d.Join(shm.Info{Name: "forwarder", Language: layout.LanguageGo}); err == nil {
		f.seat, err = d.ClaimForwarder(f.self)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

func (f *forwarder) close() error {
	var errs []error
	if f.seat != nil {
		errs = append(errs, f.seat.Close())
	}
	if f.self != nil {
		errs = append(errs, f.self.Close())
	}
	return errors.Join(append(errs, f.domain.Close())...)
}

func (f *forwarder) write(d table.Directory) error {
	return f.seat.WriteDirectory(table.AppendDirectory(nil, &d))
}

// seven is node 7 with one process that subscribes, publishes and serves.
func seven() table.NodeInfo {
	return table.NodeInfo{Node: 7, Epoch: 0x1f03, Name: "seven", Known: true, Wants: []string{"orders.>"}, Participants: []table.RemoteParticipant{{
		Index: 4, Generation: 9, Language: layout.LanguagePython, Info: table.ParticipantInfo{
			Name: "desk", Version: "3.1",
			Interests: []table.Interest{{Name: "orders.>", Pattern: true}, {Name: "prices", Publisher: true}},
			Services:  []table.Service{{Name: "quotes", Limit: 8, Room: 8}},
		},
	}}, Services: []table.NodeService{{Name: "quotes", Instances: 1, Limit: 8, Room: 4}}}
}

const desk = " n7-1f03.4.9"

// A turn is a directory, and what is told of it.
type turn struct {
	d    table.Directory
	want []string
}

func down(reason string) []string {
	return []string{"down instance quotes" + desk + " " + reason, "down subscriber orders.>" + desk + " " + reason, "down publisher prices" + desk + " " + reason}
}

// turns follow a process of another node, and each way in which it ends.
func turns() []turn {
	all, bare, partly := seven(), seven(), seven()
	bare.Participants, bare.Services = nil, nil
	one := func(n table.NodeInfo) table.Directory { return table.Directory{Nodes: []table.NodeInfo{n}} }
	gone := bare
	gone.Departed = []table.Departure{{Index: 4, Generation: 8, Ending: layout.EndingLeft}, {Index: 4, Generation: 9, Ending: layout.EndingDied}}
	partly.Wants = append(partly.Wants, "late.*")
	partly.Participants = []table.RemoteParticipant{all.Participants[0]}
	partly.Participants[0].Partial = true
	up := []string{"up publisher prices" + desk, "up subscriber orders.>" + desk, "up instance quotes" + desk}
	list := []turn{
		{one(bare), []string{"up node seven n7-1f03.0.0"}},
		{one(all), up}, {one(bare), down("left")}, {one(all), up}, {one(gone), down("died")}, {one(all), up},
		{one(partly), []string{"up subscriber late.* n7-1f03.0.0"}}, {one(all), []string{"down subscriber late.* n7-1f03.0.0 left"}},
	}
	for ending, reason := range []string{layout.EndingLeft: "node-left", layout.EndingUnheard: "node-down"} {
		if reason == "" {
			continue
		}
		lost := []table.LostNode{{Node: 7, Epoch: 0x1f03, Ending: 4 - uint8(ending)}, {Node: 7, Epoch: 0x1f03, Ending: uint8(ending)}, {Node: 7, Epoch: 1, Ending: 4 - uint8(ending)}}
		list = append(list, turn{table.Directory{Lost: lost}, append(down(reason), "down node seven n7-1f03.0.0 "+reason)},
			turn{one(all), append([]string{"up node seven n7-1f03.0.0"}, up...)})
	}
	return list
}

// watches shows all turns, and at last a node without a forwarder.
func (s *stage) watches(l language, f *forwarder) error {
	p, err := s.start(l, "ready", "watch")
	if err != nil {
		return err
	}
	told := func(want []string) error {
		for _, line := range want {
			if err := p.expect(line); err != nil {
				return err
			}
		}
		return nil
	}
	for i, t := range turns() {
		if err := f.write(t.d); err != nil {
			return err
		}
		if err := told(t.want); err != nil {
			return fmt.Errorf("directory %d: %w", i, err)
		}
	}
	err = f.seat.Close()
	f.seat = nil
	return errors.Join(err, told(append(down("no-forwarder"), "down node seven n7-1f03.0.0 no-forwarder")))
}

// counts has subscriptions of other nodes counted as their nodes ask for them.
func (s *stage) counts(l language, f *forwarder) error {
	second := seven()
	second.Participants = append(second.Participants, table.RemoteParticipant{Index: 5, Generation: 1, Info: table.ParticipantInfo{
		Name: "late", Interests: []table.Interest{{Name: "orders.eu"}, {Name: "orders.eu", LocalOnly: true}},
	}})
	asked := second
	asked.Wants = []string{"orders.>", "orders.eu"}
	for _, c := range []struct {
		what string
		node table.NodeInfo
		want string
	}{
		{"a node that wants nothing", table.NodeInfo{Node: 7, Epoch: 1, Known: true}, "0"},
		{"one that has told only what it wants", table.NodeInfo{Node: 7, Epoch: 1, Wants: []string{"orders.*"}}, "1"},
		{"one process", seven(), "1"},
		{"two, of which the node has asked for one", second, "1"},
		{"two", asked, "2"},
	} {
		if err := f.write(table.Directory{Nodes: []table.NodeInfo{c.node}}); err != nil {
			return err
		}
		p, err := s.start(l, "", "subscribers", "orders.eu")
		if err != nil {
			return err
		}
		text, err := p.wait()
		if err == nil && text != c.want {
			err = fmt.Errorf("says %q, want %s", text, c.want)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return nil
}
