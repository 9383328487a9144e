package bench

import (
	"runtime/metrics"
	"time"
)

// Phases of a run, set by its parent on the board.
const (
	phaseOpen    uint32 = iota // processes open what they need
	phaseWarm                  // they work
	phaseMeasure               // and count
	phaseStop                  // producers send their last message
	phaseLeave                 // everybody may close
)

// A window is what one process did between two phases. It belongs to the
// goroutine that works.
type window struct {
	phase    uint32
	measured bool // within it now
	messages uint64
	begin    snapshot
	end      snapshot
}

// A snapshot is the state of the process at one instant.
type snapshot struct {
	at      time.Duration
	cpu     time.Duration
	objects uint64 // ever allocated
}

func takeSnapshot() snapshot {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
	metrics.Read(sample)
	return snapshot{at: now(), cpu: processorTime(), objects: sample[0].Value.Uint64()}
}

// turn follows a change of phase.
func (w *window) turn(phase uint32) {
	switch {
	case phase == w.phase:
		return
	case w.measured && phase > phaseMeasure:
		w.end, w.measured = takeSnapshot(), false
	case phase == phaseMeasure:
		w.begin, w.measured = takeSnapshot(), true
	}
	w.phase = phase
}

// A Process is what one process of a run did within the measured time.
type Process struct {
	Role     string        `json:"role"`
	Messages uint64        `json:"messages"` // sent or read
	Seconds  float64       `json:"seconds"`
	Rate     float64       `json:"rate"`
	CPU      float64       `json:"cpu"` // cores: 1 is one core all the time
	Allocs   float64       `json:"allocs_per_message"`
	Private  uint64        `json:"private_bytes"`  // of the whole process, at the end
	Attached int64         `json:"attached_bytes"` // private memory that opening the topic added
	Behind   time.Duration `json:"behind_ns,omitempty"`
	Missed   uint64        `json:"missed,omitempty"`
	Mapped   []Mapping     `json:"mapped,omitempty"` // of a traced process: where the domain's files lie
	Total    uint64        `json:"total"`            // messages from first to last, warm-up included
}

// process says what the window holds.
func (w *window) process(r role) Process {
	p := Process{Role: string(r), Messages: w.messages}
	if took := w.end.at - w.begin.at; w.end.at > 0 && took > 0 {
		p.Seconds = took.Seconds()
		p.Rate = float64(p.Messages) / p.Seconds
		p.CPU = float64(w.end.cpu-w.begin.cpu) / float64(took)
		p.Allocs = float64(w.end.objects-w.begin.objects) / float64(max(p.Messages, 1))
	}
	return p
}
