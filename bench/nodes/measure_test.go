package nodes

import (
	"strings"
	"testing"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/internal/netlab"
)

// TestReport adds up what receivers and rules counted.
func TestReport(t *testing.T) {
	o := outcome{received: []received{{Rate: 5, P99: 100, Received: 10, Missing: 1, Told: 1}, {Rate: 7, P99: 900, Received: 20, Tail: &bench.Tail{Parts: 8}}},
		drops: []netlab.Count{{Node: 2, Seen: 100, Lost: 3}, {Node: 2, Out: true, Seen: 50, Lost: 2}}}
	r := o.report()
	if r.Rate != 5 || r.Latency.P99 != 900 || r.Tail == nil || r.Received != 30 || r.Missing != 1 || r.Told != 1 || r.Frames != 100 || r.Lost != 3 {
		t.Errorf("report %+v", r)
	}
}

// TestCalled finds contenders by a part of their names, and Lacks says what is missing.
func TestCalled(t *testing.T) {
	for word, want := range map[string]string{"nats": nats, "Aeron": aeron, "raw": raw, "": "", "ringcast": "", "pigeons": ""} {
		if got := Called(word); got != want {
			t.Errorf("Called(%q) = %q, want %q", word, got, want)
		}
	}
	at := Places{Forwarder: "/nowhere/ringcastd"}
	for name, want := range map[string]string{ours: "make build", "pigeons": "no contender", raw: "one datagram"} {
		if why := Lacks(name, Work{Size: 4096}, at); !strings.Contains(why, want) {
			t.Errorf("Lacks(%q) = %q, want %q in it", name, why, want)
		}
	}
}

func TestWorkErrorsTeach(t *testing.T) {
	good := Work{Size: 16, Receivers: 1, Duration: time.Second}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(*Work){
		"16 bytes":          func(w *Work) { w.Size = 15 },
		"2 to 16":           func(w *Work) { w.Receivers = 0 },
		"0 to 90":           func(w *Work) { w.Loss = 100 },
		"as possible":       func(w *Work) { w.Rate = -1 },
		"at most 1h":        func(w *Work) { w.Duration = 2 * time.Hour },
		"duration 0s after": func(w *Work) { w.Duration = 0 },
	} {
		w := good
		change(&w)
		if err := w.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error = %v, want %q in it", err, want)
		}
	}
}
