package gateway

import "github.com/ringcast/ringcast/shm"

// participantOf is a participant as JSON has it.
func participantOf(p *shm.Row) Participant {
	out := Participant{
		Address: p.Address.String(), Name: p.Info.Name, PID: p.PID, Version: p.Info.Version, Alive: p.Alive,
		Publishes: []string{}, Subscribes: []string{}, Serves: []string{},
	}
	for _, i := range p.Info.Interests {
		if i.Publisher {
			out.Publishes = append(out.Publishes, i.Name)
		} else {
			out.Subscribes = append(out.Subscribes, i.Name)
		}
	}
	for _, s := range p.Info.Services {
		out.Serves = append(out.Serves, s.Name)
	}
	return out
}
