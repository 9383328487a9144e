package ring

import "github.com/ringcast/ringcast/shm"

// NewHost is the Host of a participant: its index, the locks of its domain and
// the doorbells of the others.
func NewHost(p *shm.Participant) Host { return participantHost{p.Domain(), p.Index()} }

// A participantHost is a participant as its rings see it.
type participantHost struct {
	domain *shm.Domain
	index  uint16
}

func (h participantHost) Index() uint16                 { return h.index }
func (h participantHost) Alive(participant uint16) bool { return h.domain.Alive(participant) }
func (h participantHost) Ring(participant uint16)       { h.domain.Bell(participant).Ring() }

// A cleanerHost recovers for a domain that it need not have joined.
type cleanerHost struct{ participantHost }

// noIndex is no participant's: there are fewer.
const noIndex = 0xffff
