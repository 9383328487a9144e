package shm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/ringcast/ringcast/codec/layout"
)

// DefaultDomain is the domain where none is named.
const DefaultDomain = "default"

// Files of a domain.
const (
	nodeFile         = "node"
	participantsFile = "participants"
	directoryFile    = "directory"
	forwarderFile    = "forwarder"
)

// A Config says which domain to open, and with which rights it is made. The
// zero value is the default domain at the place by rule.
type Config struct {
	// Base is the directory that holds the domains. "": RINGCAST_SHM_DIR; else
	// /dev/shm/ringcast for root and members of the group ringcast; else
	// /dev/shm/ringcast-UID.
	Base string
	// Domain is its name, a valid name that is not the system's. "": default.
	Domain string
	// Node asks for this node id. 0: one is made from the machine's id, the
	// directory and a random word. A directory keeps the id it was made with.
	Node uint32
	// Mode is the mode of the files of a domain that is made here, whatever the
	// umask: 0600 if it is 0, or 0660 with a group; directories can be searched by
	// those who may read. A domain that is there keeps its rights, and asking for
	// others is an [OtherRightsError].
	Mode os.FileMode
	// Owner is the user whom a domain made here belongs to, by name or number. "":
	// who makes it. Only root gives it to others.
	Owner string
	// Group is its group, by name or number. "": the group ringcast at its own
	// place, else what the system gives.
	Group string
	// ReadOnly maps everything for reading: for tools that only look.
	ReadOnly bool
}

// A Domain is this node's part of a domain: a directory of segments, opened.
// It is safe for concurrent use by multiple goroutines; Close ends the use of
// everything that came from it.
type Domain struct {
	// Immutable after open.
	name     string
	dir      string
	place    place
	readOnly bool
	made     bool // the table of participants was made by this opening
	nodeID   uint32
	epoch    uint32
	node     *Segment
	parts    *Segment
	table    recordTable // geometry of parts, checked
	remote   *Segment
	area     directoryArea
	bells    []atomic.Pointer[Doorbell]

	directory atomic.Pointer[Directory] // decoded last
	decoding  sync.Mutex                // held by who decodes a new one

	closed atomic.Bool
	mu     sync.Mutex
	joined []*Participant // guarded by mu
}

// OpenDomain opens a domain on this node, and makes what is not there: the
// directory, and its segments, each born whole, so that any number of
// processes may do so at once. Segments that an earlier boot of the machine
// left are replaced; the node's epoch is a new one then.
//
// A full file system is a [NoSpaceError]; a refusal of the system is an
// [AccessError], with advice; other rights than asked for are an
// [OtherRightsError]; a node id that differs from the one asked
// for is a [NodeError]; files that are no segments, of another version, or
// damaged give the errors of [Open].
func OpenDomain(cfg *Config) (*Domain, error) {
	c, p, err := complete(cfg)
	if err != nil {
		return nil, err
	}
	if c.ReadOnly {
		return AttachDomain(cfg)
	}
	dir, err := p.makeDomain(c.Domain)
	if err != nil {
		return nil, err
	}
	d := &Domain{name: c.Domain, dir: dir, place: p}
	return d.openAll(&c)
}

// AttachDomain opens a domain that is there, and makes nothing: for tools. If
// it is not there the error is a [NoDomainError] that lists those that are.
func AttachDomain(cfg *Config) (*Domain, error) {
	c, p, err := complete(cfg)
	if err != nil {
		return nil, err
	}
	return p.attach(&c)
}

// attach opens a domain of the place that is there.
func (p *place) attach(c *Config) (*Domain, error) {
	d := &Domain{name: c.Domain, dir: filepath.Join(p.base, c.Domain), place: *p, readOnly: c.ReadOnly}
	if _, err := os.Lstat(d.path(nodeFile)); errors.Is(err, fs.ErrNotExist) {
		have, _ := domainsIn(p.base) // those that can be seen
		return nil, &NoDomainError{Base: p.base, Domain: c.Domain, Have: have}
	}
	err := p.checkBase()
	if err == nil {
		err = p.notDirectory(d.dir)
	}
	if err == nil {
		err = d.place.adopt(d.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("open domain %q: %w", c.Domain, err)
	}
	return d.openAll(c)
}

// complete checks a configuration and fills in its defaults.
func complete(cfg *Config) (Config, place, error) {
	var c Config
	if cfg != nil {
		c = *cfg
	}
	if c.Domain == "" {
		c.Domain = DefaultDomain
	}
	if err := ValidName(c.Domain); err != nil {
		return c, place{}, fmt.Errorf("domain: %w", err)
	}
	if IsSystemName(c.Domain) {
		return c, place{}, fmt.Errorf("domain %q: %w: names with $ are the system's", c.Domain, ErrBadName)
	}
	p, err := placeOf(&c)
	return c, p, err
}

func (d *Domain) openAll(c *Config) (*Domain, error) {
	for _, open := range []func(*Config) error{d.openNode, d.openParticipants, d.openDirectory} {
		if err := open(c); err != nil {
			_ = d.Close()
			if errors.Is(err, fs.ErrPermission) {
				return nil, fmt.Errorf("open domain %q: %w; or %s", d.name, err, adviceBase)
			}
			if d.readOnly && errors.Is(err, fs.ErrNotExist) { // made by somebody who is at it, or had no space
				return nil, fmt.Errorf("open domain %q: it is half made: %w; the next program that takes part finishes it, such as ringcast sub", d.name, err)
			}
			return nil, fmt.Errorf("open domain %q: %w", d.name, err)
		}
	}
	return d, nil
}

// openSegment opens a system segment, or makes it. Others do the same at this
// moment, and one of us makes it.
func (d *Domain) openSegment(spec Spec, make bool) (*Segment, error) {
	for range 100 {
		s, err := Open(spec.Path, spec.Kind, !d.readOnly)
		if !make || !errors.Is(err, fs.ErrNotExist) {
			return s, err
		}
		s, err = Create(spec)
		if !errors.Is(err, fs.ErrExist) {
			d.made = d.made || err == nil && spec.Kind == layout.SegmentKindParticipants
			return s, err
		}
	}
	return nil, fmt.Errorf("open segment %q: it comes and goes: %w", spec.Path, ErrInUse)
}

// path names a file of the domain.
func (d *Domain) path(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// Close ends the use of the domain: participants that are still joined leave,
// and the mappings go. Nothing that came from the domain may be used after.
func (d *Domain) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	d.mu.Lock()
	joined := d.joined
	d.joined = nil
	d.mu.Unlock()
	var errs []error
	for _, p := range joined {
		errs = append(errs, p.Close())
	}
	for _, s := range []*Segment{d.remote, d.parts, d.node} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// Name returns the domain's name.
func (d *Domain) Name() string { return d.name }

// Dir returns the domain's directory; topics, services, inbox, live and
// counters lie below it.
func (d *Domain) Dir() string { return d.dir }

// ReadOnly reports whether the domain was opened for looking only.
func (d *Domain) ReadOnly() bool { return d.readOnly }

// Made reports whether this opening made the table of participants: the domain is new,
// or what was there was of an earlier boot of the machine.
func (d *Domain) Made() bool { return d.made }

// Node returns the id of this node and its epoch, which changes with the boot
// of the machine and with the directory. Neither is 0.
func (d *Domain) Node() (id, epoch uint32) { return d.nodeID, d.epoch }

// ParticipantCount returns how many participants the node may have at once:
// indices are below it.
func (d *Domain) ParticipantCount() int { return d.table.count }

// addJoined keeps a participant for Close; false if the domain is closed.
func (d *Domain) addJoined(p *Participant) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return false
	}
	d.joined = append(d.joined, p)
	return true
}

func (d *Domain) dropJoined(p *Participant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, q := range d.joined {
		if q == p {
			d.joined = append(d.joined[:i], d.joined[i+1:]...)
			return
		}
	}
}

// fixedSize is the end of the geometry of a system segment: the header and one line.
const fixedSize = layout.SegmentHeaderSize + layout.CacheLine
