//go:build linux

package forward

import (
	"reflect"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// A Stat is one figure of what the forwarder did since it was started.
type Stat struct {
	Label, Unit string
	Value       uint64
}

// Stats are all figures, in a fixed order.
type Stats []Stat

// Map returns the figures by label.
func (s Stats) Map() map[string]uint64 {
	m := make(map[string]uint64, len(s))
	for _, row := range s {
		m[row.Label] = row.Value
	}
	return m
}

// Stats reads the figures of forwarder, protocol, driver and process. It
// allocates; it may be called at any time between New and Close.
func (f *Forwarder) Stats() Stats {
	var s Stats
	for _, c := range f.counters.all() {
		label, unit, _ := strings.Cut(c.Label(), ": ")
		s = append(s, Stat{label, unit, c.Load()})
	}
	f.mu.Lock()
	s = append(s, engineStats(f)...)
	f.mu.Unlock()
	for _, c := range f.conn.Counters().All() {
		s = append(s, Stat{c.Label, c.Unit, c.Value})
	}
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &usage) == nil {
		s = append(s,
			Stat{"process.user_us", "microseconds", uint64(usage.Utime.Nano() / 1000)},
			Stat{"process.system_us", "microseconds", uint64(usage.Stime.Nano() / 1000)},
			Stat{"process.resident_max", "KiB", uint64(usage.Maxrss)})
	}
	return s
}

// engineStats names the protocol's counters after their fields, so that a new one
// needs no second place: RepairsSent is mcast.repairs_sent.
func engineStats(f *Forwarder) (s Stats) {
	v := reflect.ValueOf(f.engine.Counters()).Elem()
	for i := range v.NumField() {
		if field := v.Field(i); field.Kind() == reflect.Uint64 {
			s = append(s, Stat{"mcast." + snake(v.Type().Field(i).Name), "", field.Uint()})
		}
	}
	s = append(s, Stat{"mcast.datagram", "bytes of the largest that is begun now", uint64(f.engine.Datagram())})
	refused := uint64(0)
	for _, n := range f.engine.Counters().Refused {
		refused += n
	}
	s = append(s, Stat{"mcast.refused", "malformed frames", refused})
	return append(s, refusedStats(f.engine.Refusals())...)
}

// snake turns RepairsSent into repairs_sent.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
