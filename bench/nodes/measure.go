package nodes

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/internal/netlab"
)

// A Work is one run for those who choose it themselves. It is plain data.
type Work struct {
	Size         int           `json:"size"`           // bytes of a message, 16 or more
	Rate         float64       `json:"rate,omitempty"` // messages a second; 0: as fast as they are taken
	Loss         float64       `json:"loss_percent"`   // of the frames that each node would receive
	Receivers    int           `json:"receivers"`      // nodes besides the sender's
	Compressible bool          `json:"compressible,omitempty"`
	Warmup       time.Duration `json:"warmup_ns"`
	Duration     time.Duration `json:"duration_ns"`
}

// Check says what is wrong with a work.
func (w Work) Check() error {
	switch {
	case w.Size < 16 || w.Size > 16<<20:
		return fmt.Errorf("size %d: want 16 bytes to 16 MiB; the first 16 bear number and time", w.Size)
	case w.Receivers < 1 || w.Receivers > 15:
		return fmt.Errorf("%d nodes: want 2 to 16", w.Receivers+1)
	case !(w.Loss >= 0 && w.Loss <= 90): // nor NaN
		return fmt.Errorf("loss of %g %%: want 0 to 90", w.Loss)
	case !(w.Rate >= 0):
		return fmt.Errorf("rate %v: want messages a second, or 0 for as fast as possible", w.Rate)
	case w.Duration <= 0 || w.Duration > time.Hour || w.Warmup < 0 || w.Warmup > time.Hour:
		return fmt.Errorf("duration %v after warm-up %v: want at most 1h each", w.Duration, w.Warmup)
	}
	return nil
}

// A Report is what one run gave.
type Report struct {
	bench.Figure         // rate of the slowest receiver, latency of the one that waited longest, cores of all processes
	Received     uint64  `json:"received"` // by all receivers
	Missing      uint64  `json:"missing"`
	Told         uint64  `json:"told"` // of them, to their receivers
	Disorder     uint64  `json:"disorder"`
	Frames       uint64  `json:"frames"` // on their way into nodes
	Lost         uint64  `json:"frames_lost"`
	Daemon       float64 `json:"daemon_cores"` // the busiest
	DaemonMB     float64 `json:"daemon_mb"`    // resident, the largest
	Elsewhere    float64 `json:"elsewhere"`    // cores that other programs had
	State        string  `json:"state,omitempty"`
}

// Ours is the name of Ringcast among the contenders, OursInC of its C library, which has a part where its program is.
const (
	Ours    = ours
	OursInC = inC
)

// Names are those of all contenders, ours first.
func Names() (list []string) {
	for _, c := range allContenders(Places{}) {
		list = append(list, c.name)
	}
	return list
}

// Lacks says why a contender cannot do a work here, or nothing. An unknown one is not here.
func Lacks(name string, w Work, at Places) string {
	c := find(name, at)
	switch {
	case c == nil:
		return fmt.Sprintf("no contender is called %q", name)
	case c.most > 0 && w.Size > c.most:
		return fmt.Sprintf("%s has no messages of %d bytes: one is one datagram", name, w.Size)
	}
	return c.missing()
}

func find(name string, at Places) *contender {
	for _, c := range allContenders(at) {
		if c.name == name {
			return &c
		}
	}
	return nil
}

// Measure runs a contender once, within netlab.Main. A message of ours that is missing
// without word, or comes twice, is an error.
func Measure(ctx context.Context, name string, w Work, at Places) (Report, error) {
	if err := w.Check(); err != nil {
		return Report{}, err
	}
	if why := Lacks(name, w, at); why != "" {
		return Report{}, errors.New(why)
	}
	t := tried{contender: *find(name, at), work: work{receivers: w.Receivers, size: w.Size, rate: w.Rate, loss: w.Loss, compressible: w.Compressible, warmup: w.Warmup, duration: w.Duration}}
	o, err := measure(ctx, &t.contender, t.work)
	if err == nil {
		err = t.judge(&o)
	}
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", name, err)
	}
	return o.report(), nil
}

// report is the outcome for others.
func (o *outcome) report() Report {
	r := Report{Figure: o.figure(), Daemon: o.daemon, DaemonMB: o.resident, Elsewhere: o.elsewhere}
	for _, one := range o.received {
		r.Received, r.Missing, r.Told, r.Disorder = r.Received+one.Received, r.Missing+one.Missing, r.Told+one.Told, r.Disorder+one.Disorder
	}
	for _, c := range o.drops {
		if !c.Out {
			r.Frames, r.Lost = r.Frames+c.Seen, r.Lost+c.Lost
		}
	}
	if o.state != nil {
		r.State = stateOf(o.state)
	}
	return r
}

// Inside runs a function where labs can be made: netlab.Main.
func Inside(run func() int) (int, error) { return netlab.Main(run) }

// Called is the contender whose name contains a word, whatever its case; "" if there is none.
func Called(word string) string {
	for _, name := range Names()[1:] {
		if word != "" && strings.Contains(strings.ToLower(name), strings.ToLower(word)) {
			return name
		}
	}
	return ""
}
