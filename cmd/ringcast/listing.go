package main

import (
	"github.com/ringcast/ringcast"
)

// The JSON of ls: names are documented here by being written out once.
type (
	listedDomain struct {
		Domain       string              `json:"domain"`
		Dir          string              `json:"dir"`
		Node         uint32              `json:"node"`
		Epoch        uint32              `json:"epoch"`
		Topics       []listedTopic       `json:"topics"`
		Participants []listedParticipant `json:"participants"`
	}
	listedTopic struct {
		Name        string         `json:"name"`
		Slots       int            `json:"slots,omitempty"`
		SlotSize    int            `json:"slot_size,omitempty"`
		Mode        string         `json:"mode,omitempty"`
		Kind        string         `json:"kind,omitempty"`
		History     int            `json:"history,omitempty"`
		Positions   uint64         `json:"positions"`
		Publishers  uint64         `json:"publishers"`
		Quarantined uint64         `json:"quarantined"`
		Recovered   uint64         `json:"recovered"`
		Evicted     uint64         `json:"evicted"`
		Wakes       uint64         `json:"wakes"`
		Damaged     uint64         `json:"damaged"`
		Forwarded   bool           `json:"forwarded"`       // to other nodes, which want it
		Alone       uint32         `json:"alone,omitempty"` // the node that alone wants it, and to which alone it goes
		Readers     []listedReader `json:"readers"`
		Groups      []listedGroup  `json:"groups"`
		Error       string         `json:"error,omitempty"`
	}
	listedReader struct {
		Participant uint16 `json:"participant"`
		Latest      bool   `json:"latest"`
		Position    uint64 `json:"position"`
		Behind      uint64 `json:"behind"`
		Missed      uint64 `json:"missed"`
	}
	listedGroup struct {
		Name     string   `json:"name"`
		Members  []uint16 `json:"members"` // indices of participants, one a subscription
		Position uint64   `json:"position"`
		Behind   uint64   `json:"behind"`
		Missed   uint64   `json:"missed"`
	}
	listedParticipant struct {
		Address    string   `json:"address"`
		PID        uint32   `json:"pid"`
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Alive      bool     `json:"alive"`
		Publishes  []string `json:"publishes"`
		Subscribes []string `json:"subscribes"`
		Serves     []string `json:"serves"`
		Error      string   `json:"error,omitempty"`
	}
)

func listing(s *ringcast.Snapshot) listedDomain {
	d := listedDomain{
		Domain: s.Domain, Dir: s.Dir, Node: s.Node, Epoch: s.Epoch,
		Topics: []listedTopic{}, Participants: []listedParticipant{},
	}
	for i := range s.Topics {
		d.Topics = append(d.Topics, listTopic(&s.Topics[i]))
	}
	for _, p := range s.Participants {
		d.Participants = append(d.Participants, listedParticipant{
			Address: p.Address.String(), PID: p.PID, Name: p.Info.Name, Version: p.Info.Version, Alive: p.Alive,
			Publishes: interests(p.Info, true), Subscribes: interests(p.Info, false), Serves: servesOf(p.Info), Error: text(p.Err),
		})
	}
	return d
}

func listTopic(t *ringcast.TopicState) listedTopic {
	if t.Err != nil {
		return listedTopic{Name: t.Name, Error: t.Err.Error(), Readers: []listedReader{}, Groups: []listedGroup{}}
	}
	out := listedTopic{
		Name: t.Name, Slots: t.Slots, SlotSize: t.SlotSize, Mode: t.Mode.String(), Kind: kind(t.Exclusive),
		History: t.History, Positions: t.Positions, Publishers: t.Publishers, Quarantined: t.Quarantined,
		Recovered: t.Recovered, Evicted: t.Evicted, Wakes: t.Wakes, Damaged: t.Damaged,
		Forwarded: t.Forwarded, Alone: t.Alone, Readers: []listedReader{},
		Groups: []listedGroup{},
	}
	for _, r := range t.Readers {
		out.Readers = append(out.Readers, listedReader(r))
	}
	for _, g := range t.Groups {
		out.Groups = append(out.Groups, listedGroup(g))
	}
	return out
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
