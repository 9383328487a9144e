package gateway

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/internal/jsonform"
)

// The JSON of what there is: names are documented here by being written out once.
type (
	// A Domain is what the node of the gateway knows.
	Domain struct {
		Domain       string        `json:"domain"`
		Node         uint32        `json:"node"`
		Epoch        uint32        `json:"epoch"`
		TimeNs       int64         `json:"time_ns"` // when it was looked at
		Forwarder    bool          `json:"forwarder"`
		Nodes        []Node        `json:"nodes"`
		Participants []Participant `json:"participants"`
		Services     []Service     `json:"services"`
		Topics       []Topic       `json:"topics"`
		Counters     []Counter     `json:"counters"`
		Gateway      State         `json:"gateway"`
	}
	// A Node is a machine of the domain; the first is the gateway's.
	Node struct {
		Node    uint32   `json:"node"`
		Epoch   uint32   `json:"epoch"`
		Name    string   `json:"name"`
		Host    string   `json:"host"`
		Version string   `json:"version"`
		Self    bool     `json:"self"`
		Wants   []string `json:"wants"`
	}
	// A Participant is a process of this node, or as far as the forwarder knows of another: then
	// its PID is 0.
	Participant struct {
		Address    string   `json:"address"`
		Name       string   `json:"name"`
		PID        uint32   `json:"pid"`
		Version    string   `json:"version"`
		Alive      bool     `json:"alive"`
		Publishes  []string `json:"publishes"`
		Subscribes []string `json:"subscribes"`
		Serves     []string `json:"serves"`
	}
	// A Service is a name that is served. Its queue is that of this node.
	Service struct {
		Service   string     `json:"service"`
		Schema    string     `json:"schema,omitempty"` // root table of its requests, where one is registered
		Instances []Instance `json:"instances"`
		Requests  uint64     `json:"requests"` // taken into its queue so far
		Waiting   uint64     `json:"waiting"`  // that nobody has taken yet
		Queue     int        `json:"queue"`    // how many may wait
		Gateway   Latency    `json:"gateway"`  // as this gateway sees it
	}
	// An Instance is a process that serves a name, of PID 0 where it is on another node.
	Instance struct {
		Address string `json:"address"`
		Program string `json:"program"`
		PID     uint32 `json:"pid"`
		Limit   uint32 `json:"limit"` // requests that it runs at a time
	}
	// A Topic is a topic of this node.
	Topic struct {
		Topic     string   `json:"topic"`
		Schema    string   `json:"schema,omitempty"` // root table of its messages, where one is registered
		Slots     int      `json:"slots"`
		SlotSize  int      `json:"slot_size"`
		Mode      string   `json:"mode"`
		Positions uint64   `json:"positions"` // claimed so far: messages, fragments and holes
		Evicted   uint64   `json:"evicted"`   // readers put out
		Recovered uint64   `json:"recovered"`
		Damaged   uint64   `json:"damaged"`
		Forwarded bool     `json:"forwarded"`       // to other nodes, which want it
		Alone     uint32   `json:"alone,omitempty"` // the node that alone wants it, and to which alone it goes
		Readers   []Reader `json:"readers"`
		Groups    []Group  `json:"groups"`
		Error     string   `json:"error,omitempty"`
	}
	// A Reader is one reader of a topic.
	Reader struct {
		Address string `json:"address"` // of its process; empty where that is gone
		Program string `json:"program"`
		Latest  bool   `json:"latest"`
		Behind  uint64 `json:"behind"` // positions that it has still to read
		Missed  uint64 `json:"missed"` // positions that passed it by
	}
	// A Group is a queue group of a topic.
	Group struct {
		Group   string `json:"group"`
		Members int    `json:"members"`
		Behind  uint64 `json:"behind"`
		Missed  uint64 `json:"missed"`
	}
	// A Counter is one that a process of this node shows.
	Counter struct {
		Program string `json:"program"`
		Name    string `json:"name"`
		Meaning string `json:"meaning"`
		Value   uint64 `json:"value"`
	}
)

// lookAge is how old a look at the domain may be: looking costs system calls for each
// participant and each topic, whoever asks how often.
const lookAge = 100 * time.Millisecond

// A view is the last look at the domain. It is safe for concurrent use.
type view struct {
	gateway *Gateway

	mu   sync.Mutex
	at   time.Time // guarded by mu
	last *Domain   // guarded by mu; what it points to is never changed
	err  error     // guarded by mu
}

func newView(g *Gateway) *view { return &view{gateway: g} }

// look returns a present look at the domain, which must not be changed.
func (g *Gateway) look() (*Domain, error) {
	v := g.view
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.at.IsZero() || time.Since(v.at) > lookAge {
		s, err := ringcast.Inspect(&g.config.Bus)
		v.at, v.err = time.Now(), err
		if err == nil {
			v.last = g.domainOf(s, v.at)
		}
	}
	return v.last, v.err
}

func (g *Gateway) domainOf(s *ringcast.Snapshot, at time.Time) *Domain {
	d := &Domain{
		Domain: s.Domain, Node: s.Node, Epoch: s.Epoch, TimeNs: at.UnixNano(), Forwarder: s.Forwarder,
		Nodes: nodesOf(s), Participants: []Participant{}, Topics: []Topic{}, Counters: []Counter{},
	}
	programs := map[uint16]*Participant{}
	for i := range s.Participants {
		d.Participants = append(d.Participants, participantOf(&s.Participants[i]))
	}
	for i := range s.Participants {
		programs[s.Participants[i].Index] = &d.Participants[i]
	}
	for i := range s.Topics {
		d.Topics = append(d.Topics, topicOf(&s.Topics[i], programs))
	}
	for _, c := range s.Counters {
		name, meaning, _ := strings.Cut(c.Label, ": ")
		counter := Counter{Name: name, Meaning: meaning, Value: c.Value}
		if p := programs[c.Participant]; p != nil {
			counter.Program = p.Name
		}
		d.Counters = append(d.Counters, counter)
	}
	d.Services = g.servicesOf(s)
	g.addAway(d)
	for i := range d.Services {
		d.Services[i].Gateway = g.latencies.of(d.Services[i].Service)
		d.Services[i].Schema = g.schemas.Root(d.Services[i].Service, jsonform.AsRequest)
	}
	for i := range d.Topics {
		d.Topics[i].Schema = g.schemas.Root(d.Topics[i].Topic, jsonform.AsMessage)
	}
	d.Gateway = g.state()
	return d
}

func nodesOf(s *ringcast.Snapshot) []Node {
	list := []Node{{Node: s.Node, Epoch: s.Epoch, Name: "this node", Self: true, Wants: []string{}}}
	for _, n := range s.Nodes {
		list = append(list, Node{Node: n.Node, Epoch: n.Epoch, Name: n.Name, Host: n.Host, Version: n.Version, Wants: append([]string{}, n.Wants...)})
	}
	return list
}

func topicOf(t *ringcast.TopicState, programs map[uint16]*Participant) Topic {
	out := Topic{Topic: t.Name, Readers: []Reader{}, Groups: []Group{}}
	if t.Err != nil {
		out.Error = t.Err.Error()
		return out
	}
	out.Slots, out.SlotSize, out.Mode, out.Positions = t.Slots, t.SlotSize, t.Mode.String(), t.Positions
	out.Evicted, out.Recovered, out.Damaged = t.Evicted, t.Recovered, t.Damaged
	out.Forwarded, out.Alone = t.Forwarded, t.Alone
	for _, r := range t.Readers {
		one := Reader{Latest: r.Latest, Behind: r.Behind, Missed: r.Missed}
		if p := programs[r.Participant]; p != nil {
			one.Address, one.Program = p.Address, p.Name
		}
		out.Readers = append(out.Readers, one)
	}
	for _, group := range t.Groups {
		out.Groups = append(out.Groups, Group{group.Name, len(group.Members), group.Behind, group.Missed})
	}
	return out
}

// servicesOf are the services with an instance, by name.
func (g *Gateway) servicesOf(s *ringcast.Snapshot) []Service {
	byName := map[string]*Service{}
	for i := range s.Participants {
		p := &s.Participants[i]
		for _, one := range p.Info.Services {
			if !p.Alive {
				continue
			}
			if byName[one.Name] == nil {
				byName[one.Name] = &Service{Service: one.Name}
			}
			have := byName[one.Name]
			have.Instances = append(have.Instances, Instance{p.Address.String(), p.Info.Name, p.PID, one.Limit})
		}
	}
	for i := range s.Services {
		q := &s.Services[i]
		have := byName[q.Name]
		if have == nil {
			continue
		}
		have.Requests, have.Queue = q.Positions, q.Slots
		for _, group := range q.Groups {
			have.Waiting += group.Behind
		}
	}
	list := []Service{}
	for _, one := range byName {
		list = append(list, *one)
	}
	slices.SortFunc(list, func(a, b Service) int { return strings.Compare(a.Service, b.Service) })
	return list
}

// show answers with a part of the domain.
func (g *Gateway) show(w http.ResponseWriter, part func(*Domain) any) error {
	d, err := g.look()
	if err != nil {
		return err
	}
	g.sendJSON(w, http.StatusOK, part(d))
	return nil
}

func (g *Gateway) serveDomain(w http.ResponseWriter, _ *http.Request) error {
	return g.show(w, func(d *Domain) any { return d })
}

func (g *Gateway) serveNodes(w http.ResponseWriter, _ *http.Request) error {
	return g.show(w, func(d *Domain) any { return d.Nodes })
}

func (g *Gateway) serveParticipants(w http.ResponseWriter, _ *http.Request) error {
	return g.show(w, func(d *Domain) any { return d.Participants })
}

func (g *Gateway) serveServices(w http.ResponseWriter, _ *http.Request) error {
	return g.show(w, func(d *Domain) any { return d.Services })
}

func (g *Gateway) serveTopics(w http.ResponseWriter, _ *http.Request) error {
	return g.show(w, func(d *Domain) any { return d.Topics })
}
