package gateway

import (
	"context"
	"slices"
	"strings"

	"github.com/ringcast/ringcast"
)

// addAway adds what this node's forwarder knows of the processes of other nodes: who they
// are, and what they publish, subscribe to and serve. What their rings look like, only
// their own node knows.
func (g *Gateway) addAway(d *Domain) {
	if !d.Forwarder {
		return
	}
	away := map[ringcast.Address]*Participant{}
	var order []*Participant
	for e, err := range g.bus.Watch(context.Background(), &ringcast.WatchConfig{Once: true}) {
		if err != nil {
			break // what of it could be read
		}
		if e.Address.Node == d.Node || e.Address.Generation == 0 {
			continue // of this node, or of a node as a whole
		}
		p := away[e.Address]
		if p == nil {
			p = &Participant{
				Address: e.Address.String(), Name: e.Program, Version: e.Version, Alive: true,
				Publishes: []string{}, Subscribes: []string{}, Serves: []string{},
			}
			away[e.Address] = p
			order = append(order, p)
		}
		d.note(p, &e)
	}
	for _, p := range order {
		d.Participants = append(d.Participants, *p)
	}
	slices.SortFunc(d.Services, func(a, b Service) int { return strings.Compare(a.Service, b.Service) })
}

// note adds one thing that a process of another node does.
func (d *Domain) note(p *Participant, e *ringcast.PresenceEvent) {
	switch e.Kind {
	case ringcast.PresencePublisher:
		p.Publishes = append(p.Publishes, e.Name)
	case ringcast.PresenceSubscriber:
		p.Subscribes = append(p.Subscribes, e.Name)
	case ringcast.PresenceInstance:
		p.Serves = append(p.Serves, e.Name)
		i := slices.IndexFunc(d.Services, func(s Service) bool { return s.Service == e.Name })
		if i < 0 {
			i = len(d.Services)
			d.Services = append(d.Services, Service{Service: e.Name})
		}
		d.Services[i].Instances = append(d.Services[i].Instances, Instance{Address: p.Address, Program: e.Program, Limit: uint32(max(e.Limit, 0))})
	}
}
