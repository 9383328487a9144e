// Gateway measures `ringcast gateway`: requests a second and the 99th percentile over 1 to
// 512 connections to four instances of a service, beside a plain handler of net/http that
// answers the same bytes, which is the limit. Then what overload and the death of an
// instance do to the callers, a script service, and the memory of each program. The load comes from hey.
//
//	go run ./bench/gateway -ringcast bin/ringcast -ringcastd bin/ringcastd -hey .tools/bin/hey
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/table"
)

var (
	ringcast  = flag.String("ringcast", "bin/ringcast", "the tool")
	ringcastd = flag.String("ringcastd", "bin/ringcastd", "the forwarder")
	hey       = flag.String("hey", ".tools/bin/hey", "what makes the load")
	seconds   = flag.Float64("seconds", 3, "time of each turn")
	size      = flag.Int("size", 256, "bytes of a request and of its reply")
	asJSON    = flag.Bool("json", false, "print a JSON object a row")
	plain     = flag.Bool("plain", false, "be the plain handler")
)

func main() {
	flag.Parse()
	table.Main("bench-gateway", func(ctx context.Context) error {
		if *plain {
			return servePlain(ctx)
		}
		return measure(ctx)
	})
}

// servePlain answers each request with its body, and says where.
func servePlain(ctx context.Context) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("plain at http://%s/\n", l.Addr())
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_, _ = w.Write(b) // who has gone needs no answer
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// connections are the cells of the load.
var connections = []int{1, 8, 64, 512}

// measure runs all cells.
func measure(ctx context.Context) (err error) {
	s, err := newStage(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.end()) }()
	cells := []table.Cell{}
	for _, c := range connections {
		cells = append(cells, table.Cell{Name: fmt.Sprintf("%d connections", c), Measure: func(ctx context.Context, _ time.Time) ([]table.Row, error) {
			return s.beside(ctx, c)
		}})
	}
	cells = append(cells,
		table.Cell{Name: "overload", Measure: s.overload},
		table.Cell{Name: "an instance dies", Measure: s.death},
		table.Cell{Name: "script", Measure: s.script},
		table.Cell{Name: "memory", Measure: s.memory})
	p := &table.Printer{Out: os.Stdout, Progress: os.Stderr, JSON: *asJSON, Deadline: time.Now().Add(time.Hour)}
	return p.Print(ctx, cells)
}

// row makes a row with the regime of this moment.
func row(cell, unit string, ours float64, peer string, theirs float64, smaller bool, note string) table.Row {
	line := bench.CacheLine()
	r := table.Row{Cell: cell, Unit: unit, Ours: ours, Peer: peer, Theirs: theirs, Smaller: smaller, Note: note, Runs: 1,
		Regime: string(bench.RegimeOf(line)), LineNs: int64(line / time.Nanosecond)}
	if theirs > 0 {
		r.Ratio = ours / theirs
	}
	return r
}

// beside loads the plain handler and the gateway one after the other.
func (s *stage) beside(ctx context.Context, c int) ([]table.Row, error) {
	limit, err := load(ctx, s.plain, c, *seconds)
	if err != nil {
		return nil, err
	}
	ours, err := load(ctx, s.gateway+"/v1/services/work", c, *seconds)
	if err != nil {
		return nil, err
	}
	if lost := ours.but(200); lost != "" {
		return nil, fmt.Errorf("%d connections: not all were answered: %s", c, lost)
	}
	name := fmt.Sprintf("%d conn", c)
	return []table.Row{
		row(name, "req/s", ours.rate, "plain net/http", limit.rate, false, ""),
		row(name+" p99", "ms", ours.p99*1e3, "plain net/http", limit.p99*1e3, true, ""),
	}, nil
}

// overload asks more of a slow service than it can do: every caller has an answer or 503.
func (s *stage) overload(ctx context.Context, _ time.Time) ([]table.Row, error) {
	got, err := load(ctx, s.gateway+"/v1/services/slow", 512, *seconds)
	if err != nil {
		return nil, err
	}
	if others := got.but(200, 503); others != "" {
		return nil, fmt.Errorf("overload: neither answered nor refused: %s", others)
	}
	note := fmt.Sprintf("512 connections to 1000 req/s: %d answered, %d refused with 503, slowest %.0f ms", got.statuses[200], got.statuses[503], got.slowest*1e3)
	return []table.Row{row("overload answered", "req/s", float64(got.statuses[200]) / *seconds, "", 0, false, note)}, nil
}

// death kills one of four instances under load: its callers are told, and nobody hangs.
func (s *stage) death(ctx context.Context, _ time.Time) ([]table.Row, error) {
	victim := s.work[0]
	time.AfterFunc(time.Duration(*seconds/2*float64(time.Second)), func() { _ = victim.Process.Kill() })
	got, err := load(ctx, s.gateway+"/v1/services/work", 64, *seconds)
	if err != nil {
		return nil, err
	}
	if others := got.but(200, 502); others != "" {
		return nil, fmt.Errorf("death: neither answered nor told: %s", others)
	}
	note := fmt.Sprintf("64 connections: %d answered, %d told with 502 that it died, slowest %.0f ms", got.statuses[200], got.statuses[502], got.slowest*1e3)
	return []table.Row{row("death, slowest", "ms", got.slowest*1e3, "", 0, true, note)}, nil
}

// script has the script service run a program for each request.
func (s *stage) script(ctx context.Context, _ time.Time) ([]table.Row, error) {
	got, err := load(ctx, s.gateway+"/v1/services/program", 8, *seconds)
	if err != nil {
		return nil, err
	}
	if others := got.but(200); others != "" {
		return nil, fmt.Errorf("script: not all were answered: %s", others)
	}
	note := fmt.Sprintf("8 connections, a process of /bin/cat for each request: 99 %% in %.1f ms", got.p99*1e3)
	return []table.Row{row("script service", "req/s", got.rate, "", 0, false, note)}, nil
}

// memory is what each program had at its start, the most that it had since, and what it has now.
func (s *stage) memory(context.Context, time.Time) ([]table.Row, error) {
	var rows []table.Row
	for _, p := range s.programs {
		most, err := resident(p.cmd.Process.Pid, "VmHWM:")
		if err != nil {
			return nil, err
		}
		now, err := resident(p.cmd.Process.Pid, "VmRSS:")
		if err != nil {
			return nil, err
		}
		note := fmt.Sprintf("at its start %.1f, the most under load %.1f, behind it %.1f MiB", p.atStart, most, now)
		rows = append(rows, row("memory of "+p.name, "MiB", most, "at its start", p.atStart, true, note))
	}
	return rows, nil
}

// A result is what hey tells of one load.
type result struct {
	rate, p99, slowest float64 // a second; seconds
	statuses           map[int]int
	errors             string
}

// but says what came beside some statuses.
func (r *result) but(fine ...int) string {
	text := r.errors
	for status, n := range r.statuses {
		ok := false
		for _, f := range fine {
			ok = ok || f == status
		}
		if !ok {
			text += fmt.Sprintf(" %d of status %d", n, status)
		}
	}
	return strings.TrimSpace(text)
}
