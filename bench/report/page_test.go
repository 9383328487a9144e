package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/ringcast/ringcast/bench"
)

// sample is a result as a file of a run has it.
func sample(t *testing.T, name string) Run {
	t.Helper()
	h := hdrhistogram.New(1, int64(time.Hour), 3)
	for i := range int64(1000) {
		if err := h.RecordValue(100 + i*i); err != nil {
			t.Fatal(err)
		}
	}
	text, err := h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	file := `{"spec":{"scenario":"pingpong","size":64},"rate":1234567,"latency_ns":{"count":1000,"min":100,"p50":250100,"p99":980000,"max":999000},
	"processes":[{"role":"ping","rate":1234567}],"regime":"near","rates":[{"at_ns":100000000,"rate":1e6},{"at_ns":200000000,"rate":2e6}],
	"intervals":[{"start_ns":0,"length_ns":100000000,"latency_ns":{"p50":100,"p99":200}},{"start_ns":100000000,"length_ns":100000000},
	{"start_ns":200000000,"length_ns":100000000,"latency_ns":{"p50":300,"p99":400}}],"histogram":"` + string(text) + `"}`
	r, err := bench.ReadResult(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return Run{Name: name, Result: r}
}

// TestPage wants the three pictures, well-formed, and nothing of a name taken for markup.
func TestPage(t *testing.T) {
	const evil = `<b>&"x"`
	var b strings.Builder
	if err := Write(&b, "a title", []Run{sample(t, evil), sample(t, "second")}); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	pictures := strings.Split(text, "<svg")[1:]
	if len(pictures) != 3 {
		t.Errorf("%d pictures, want 3", len(pictures))
	}
	for i, p := range pictures {
		p, _, _ = strings.Cut(p, "</svg>")
		if err := wellFormed("<svg" + p + "</svg>"); err != nil {
			t.Errorf("picture %d: %v", i, err)
		}
		for _, want := range []string{"&lt;b&gt;", "second", "<path"} {
			if !strings.Contains(p, want) {
				t.Errorf("picture %d lacks %q", i, want)
			}
		}
	}
	for _, want := range []string{"<title>a title</title>", "1,234,567", "250µs", "99.9%", "near"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, evil) || strings.Contains(text, "http://") && strings.Contains(text, "src=") {
		t.Error("a name is markup, or the page needs something from elsewhere")
	}
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// TestPageOfAStream has no latency and no pictures of any.
func TestPageOfAStream(t *testing.T) {
	run := sample(t, "stream")
	r := run.Result
	r.Latency, r.Intervals = nil, nil
	var b strings.Builder
	if err := Write(&b, "stream", []Run{run}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "<svg"); n != 1 {
		t.Errorf("%d pictures of a run without latencies, want that of its rates", n)
	}
	if err := Write(&b, "nothing", nil); err == nil {
		t.Error("a report about no run")
	}
}

// TestLegend: a run that is alone needs no legend, which would lie over its line; of several it has room of its own.
func TestLegend(t *testing.T) {
	run := sample(t, "lonely")
	for _, draw := range []func([]Run) (string, error){percentiles, overTime, rates} {
		one, err := draw([]Run{run})
		if err != nil || strings.Contains(one, "lonely") {
			t.Errorf("a legend of one line: %v", err)
		}
		two, err := draw([]Run{run, sample(t, "second")})
		if err != nil || !strings.Contains(two, "lonely") || !strings.Contains(two, "second") {
			t.Errorf("two lines without a legend: %v", err)
		}
	}
	if top := headroom(0, 80, 0.2, false); math.Abs(top-100) > 1e-9 {
		t.Errorf("80 leaves a fifth free of %g", top)
	}
	if top := headroom(1, 1e4, 0.2, true); math.Abs(top-1e5) > 1 {
		t.Errorf("four powers of ten leave a fifth free of %g", top)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct{ low, high float64 }{{0, 0.3}, {0.05, 2.95}, {0, 60}, {0, 3600}} {
		if n := len(secondTicks(c.low, c.high)); n < 3 || n > 13 {
			t.Errorf("%d ticks from %v to %v s", n, c.low, c.high)
		}
	}
	var labels []string
	for _, tick := range nineTicks(0, 4.2) {
		labels = append(labels, tick.Label)
	}
	if got := strings.Join(labels, " "); got != "0% 90% 99% 99.9% 99.99%" {
		t.Errorf("percentiles %s", got)
	}
}
