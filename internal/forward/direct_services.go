package forward

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/ringcast/ringcast/codec/layout"
	"github.com/ringcast/ringcast/internal/uplink"
	"github.com/ringcast/ringcast/ring"
	"github.com/ringcast/ringcast/shm"
)

// instances is the queue group that reads a service's ring.
const instances = "instances"

// A serviceRing is a service of this node, as one of its callers sees it.
type serviceRing struct {
	d        *direct
	name     string
	file     *ring.File // nil: closed
	queue    *ring.Queue
	producer *ring.Producer
	room     int
}

// service finds the ring of a service, or opens it; nil: there is none.
func (d *direct) service(hash uint64) *serviceRing {
	if s := d.services[hash]; s != nil && s.file != nil {
		return s
	}
	name := d.names[hash]
	if name == "" {
		return nil
	}
	file, err := ring.OpenFile(filepath.Join(d.f.domain.Dir(), "services", name), d.f.host, ring.FileOptions{Write: true, Existing: true})
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.f.cfg.Log("service %q: %v", name, err)
		}
		return nil
	}
	s := &serviceRing{d: d, name: name, file: file, room: file.Shape().Payload - layout.AddressBlockSize}
	if s.queue, err = file.Queue(instances); err == nil {
		s.producer, err = file.NewProducer(d.f.self.Address())
	}
	if err != nil {
		_ = file.Close()
		return nil
	}
	d.services[hash] = s
	return s
}

// close lets the ring go.
func (s *serviceRing) close() {
	if s.file != nil {
		s.d.letGo(s.producer, s.file)
		s.file = nil
	}
}

// Serve puts a message into the ring of its service.
func (d *direct) Serve(m *uplink.Message) (s uplink.Service, position uint64, o uplink.Outcome, limit int) {
	for range 3 { // a ring that was replaced is opened anew
		r := d.service(m.Service)
		if r == nil {
			return nil, 0, uplink.NoService, 0
		}
		var err error
		if cutOff(func() { position, o, limit, err = r.put(m) }) {
			d.f.counters.damaged.Add(1)
			err = ring.ErrRetired
		}
		if err == nil {
			return r, position, o, limit
		}
		r.close()
	}
	return nil, 0, uplink.NoService, 0
}

// put publishes a message; an error says that the ring has to be opened anew.
func (s *serviceRing) put(m *uplink.Message) (position uint64, o uplink.Outcome, limit int, err error) {
	if !s.queue.HasMembers() {
		return 0, uplink.NoService, 0, nil
	}
	if len(m.Payload) > s.room {
		return 0, uplink.TooLarge, s.room, nil
	}
	m.Destination = shm.Address{}
	switch err := s.d.publish(s.producer, m); {
	case err == ring.ErrFull || err == ring.ErrStalled:
		return 0, uplink.Full, 0, nil
	case isRetired(err):
		return 0, 0, 0, err
	case err != nil:
		s.d.f.cfg.Log("service %q: %v", s.name, err)
		return 0, uplink.NoService, 0, nil
	}
	position = s.producer.Last()
	if !s.queue.HasMembers() && s.queue.Withdraw(position) { // behind the commit
		return 0, uplink.NoService, 0, nil
	}
	return position, uplink.Put, 0, nil
}

// guarded runs f where the ring is there.
func (s *serviceRing) guarded(f func()) {
	if s.file != nil && cutOff(f) {
		s.d.f.counters.damaged.Add(1)
		s.close()
	}
}

// Withdraw takes a request back that nobody has started.
func (s *serviceRing) Withdraw(position uint64) (withdrawn bool) {
	s.guarded(func() { withdrawn = s.queue.Withdraw(position) })
	return withdrawn
}

// Cancel tells whoever has a request in hand that it was given up.
func (s *serviceRing) Cancel(caller shm.Address, correlation uint64) {
	s.guarded(func() { _ = s.queue.Cancel(caller, correlation) }) // in nobody's hand any more: no matter
}

// Grant adds to the credit of a stream.
func (s *serviceRing) Grant(caller shm.Address, correlation uint64, n uint32) {
	s.guarded(func() { _ = s.queue.Grant(caller, correlation, n) })
}

// Died calls fn with each request whose taker is gone, and reports whether an instance is left.
func (s *serviceRing) Died(fn func(caller shm.Address, correlation uint64)) (left bool) {
	s.guarded(func() {
		s.queue.Hands(func(caller shm.Address, correlation uint64, taker shm.Address) {
			if !s.d.Alive(taker.Participant()) {
				fn(caller, correlation)
			}
		})
		left = s.queue.HasMembers()
	})
	return left
}

// Pick names a node that has instances of the service of a message, and has not refused it.
func (d *direct) Pick(m *uplink.Message, refused []uint32) (uint32, bool) {
	d.readDirectory()
	return uplink.Choose(d.serving[m.Service], random, func(node uint32) bool {
		return d.router.Knows(node) && !slices.Contains(refused, node)
	})
}

// readDirectory looks which services other nodes have, if that has changed.
func (d *direct) readDirectory() {
	dir, err := d.f.domain.Directory()
	if err != nil || dir == d.dir {
		return
	}
	d.dir = dir
	clear(d.serving)
	for i := range dir.Nodes {
		for _, s := range dir.Nodes[i].Services {
			d.serving[nameHash(s.Name)] = dir.Serving(s.Name)
		}
	}
}
