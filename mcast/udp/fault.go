//go:build linux

package udp

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Side is where faults happen.
type Side uint8

const (
	// SideReceive damages what comes in: each receiver loses its own datagrams.
	SideReceive Side = iota
	// SideSend damages what goes out: all receivers lose the same ones. What it
	// holds back goes out when its time has come, provided that somebody reads.
	SideSend
	// SideBoth does both, independently.
	SideBoth
)

var sideNames = [...]string{SideReceive: "rx", SideSend: "tx", SideBoth: "both"}

// String is the name that ParseFault knows.
func (s Side) String() string {
	if int(s) < len(sideNames) {
		return sideNames[s]
	}
	return "side(" + strconv.Itoa(int(s)) + ")"
}

// Limits of a FaultConfig.
const (
	maxFaultDelay = time.Second
	maxFaultBurst = 10000
)

// A FaultConfig says what the fault layer does to wire datagrams. The zero
// value does nothing. What happens to the nth datagram of a side depends on the
// seed and n alone, and a rate doesn't change what the other rates strike.
type FaultConfig struct {
	// Loss is the share of datagrams lost, 0 to 1.
	Loss float64
	// Burst is how many datagrams are lost in a row when one is, 1 to 10000;
	// Loss stays the share of all. 0: 1.
	Burst int
	// Duplicate is the share of datagrams that come twice, 0 to 1.
	Duplicate float64
	// Reorder is the share of datagrams that are held until one to three later
	// ones have passed, but 5 ms at most; 0 to 1.
	Reorder float64
	// Delay is added to every datagram, 0 to 1 s.
	Delay time.Duration
	// Seed is where the random numbers begin. Nodes with equal seeds lose the
	// same ones of equal sequences.
	Seed uint64
	// Side is where it happens.
	Side Side
}

// Enabled says whether f does anything.
func (f *FaultConfig) Enabled() bool {
	return f.Loss > 0 || f.Duplicate > 0 || f.Reorder > 0 || f.Delay > 0
}

func (f *FaultConfig) validate() error {
	for _, r := range []struct {
		name string
		v    float64
	}{{"loss", f.Loss}, {"dup", f.Duplicate}, {"reorder", f.Reorder}} {
		if !(r.v >= 0 && r.v <= 1) { // so that NaN is refused, too
			return faultError(r.name, formatShare(r.v)+" is not a share between 0 and 1 (1 % is 0.01)")
		}
	}
	switch {
	case f.Delay < 0 || f.Delay > maxFaultDelay:
		return faultError("delay", f.Delay.String()+" is not in 0..1s")
	case f.Burst < 0 || f.Burst > maxFaultBurst:
		return faultError("burst", strconv.Itoa(f.Burst)+" is not a count in 1..10000")
	case f.Burst > 1 && f.Loss == 0:
		return faultError("burst", "how long losses are means nothing without loss=")
	case f.Side > SideBoth:
		return faultError("side", f.Side.String()+" is not one of rx, tx, both")
	}
	return nil
}

func faultError(key, reason string) error { return &ConfigError{"fault " + key, reason} }

// String is f as ParseFault reads it; empty when f is the zero value.
func (f FaultConfig) String() string {
	var parts []string
	add := func(key, value string, set bool) {
		if set {
			parts = append(parts, key+"="+value)
		}
	}
	add("loss", formatShare(f.Loss), f.Loss != 0)
	add("burst", strconv.Itoa(f.Burst), f.Burst != 0)
	add("dup", formatShare(f.Duplicate), f.Duplicate != 0)
	add("reorder", formatShare(f.Reorder), f.Reorder != 0)
	add("delay", f.Delay.String(), f.Delay != 0)
	add("seed", strconv.FormatUint(f.Seed, 10), f.Seed != 0)
	add("side", f.Side.String(), f.Side != 0)
	return strings.Join(parts, ",")
}

func formatShare(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// faultKeys are what ParseFault reads, in the order in which errors list them.
var faultKeys = []struct {
	key, example string
	set          func(f *FaultConfig, value string) error
}{
	{"loss", "loss=0.01", func(f *FaultConfig, v string) error { return setShare(&f.Loss, "loss", v) }},
	{"dup", "dup=0.001", func(f *FaultConfig, v string) error { return setShare(&f.Duplicate, "dup", v) }},
	{"reorder", "reorder=0.01", func(f *FaultConfig, v string) error { return setShare(&f.Reorder, "reorder", v) }},
	{"delay", "delay=200us", setDelay},
	{"burst", "burst=4", setBurst},
	{"seed", "seed=7", setSeed},
	{"side", "side=rx", setSide},
}

// ParseFault reads what --fault gives: keys and values, in any order, each once,
//
//	loss=0.01,dup=0.001,reorder=0.01,delay=200us,burst=4,seed=7,side=rx
//
// The empty text is no fault at all. See FaultConfig for what they mean. The
// error is a *ConfigError that says what would be right.
func ParseFault(text string) (FaultConfig, error) {
	var f FaultConfig
	if strings.TrimSpace(text) == "" {
		return f, nil
	}
	seen := make(map[string]bool)
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found {
			return FaultConfig{}, faultError(strconv.Quote(part), "is not of the form key=value, such as "+faultExamples())
		}
		if seen[key] {
			return FaultConfig{}, faultError(key, "is given twice")
		}
		seen[key] = true
		if err := setFault(&f, key, value); err != nil {
			return FaultConfig{}, err
		}
	}
	if err := f.validate(); err != nil {
		return FaultConfig{}, err
	}
	return f, nil
}

func setFault(f *FaultConfig, key, value string) error {
	for _, k := range faultKeys {
		if k.key == key {
			return k.set(f, value)
		}
	}
	return faultError(strconv.Quote(key), "is not known; there are "+faultExamples())
}

func faultExamples() string {
	s := make([]string, len(faultKeys))
	for i, k := range faultKeys {
		s[i] = k.example
	}
	return strings.Join(s, ", ")
}

func setShare(to *float64, key, value string) error {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return faultError(key, strconv.Quote(value)+" is not a share between 0 and 1 (1 % is 0.01)")
	}
	*to = v
	return nil
}

func setDelay(f *FaultConfig, value string) error {
	d, err := time.ParseDuration(value)
	if err != nil {
		return faultError("delay", strconv.Quote(value)+" is not a duration with its unit, such as 200us or 1.5ms")
	}
	f.Delay = d
	return nil
}

func setBurst(f *FaultConfig, value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		return faultError("burst", strconv.Quote(value)+" is not a count in 1..10000")
	}
	f.Burst = n
	return nil
}

func setSeed(f *FaultConfig, value string) error {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return faultError("seed", fmt.Sprintf("%q is not a whole number in 0..%d", value, uint64(1<<64-1)))
	}
	f.Seed = n
	return nil
}

func setSide(f *FaultConfig, value string) error {
	for s, name := range sideNames {
		if name == value {
			f.Side = Side(s)
			return nil
		}
	}
	return faultError("side", strconv.Quote(value)+" is not one of rx, tx, both")
}
