package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/bench"
	"github.com/ringcast/ringcast/bench/net/program"
	"github.com/ringcast/ringcast/bench/table"
	"github.com/ringcast/ringcast/internal/netlab"
)

// Asked is requests between two nodes: who asks has so many open at a time. It is plain data.
type Asked struct {
	Cell     string        `json:"cell"` // of the rows
	Size     int           `json:"size"`
	Open     int           `json:"open"`
	Warmup   time.Duration `json:"warmup_ns"`
	Duration time.Duration `json:"duration_ns"`
	Rounds   int           `json:"rounds"` // pairs of runs of ours and each other
	Until    time.Time     `json:"until"`  // when it should be over; one pair of each is run all the same
	Peers    string        `json:"peers"`  // parts of names, with commas between; empty: all
	At       Places        `json:"at"`
}

// askedGoal is what ours takes beside those that do the same by TCP, at most. The limits promise nothing, and have no goal.
const askedGoal = 1

func askedGoalOf(peer string) float64 {
	if peer == rawUDP || peer == rawTCP {
		return 0
	}
	return askedGoal
}

// MeasureAsked measures ours beside each other contender that has requests, in turn, where labs can be made
// (Inside), and returns their rows: p50, p99, and answers a second where several requests are open.
func MeasureAsked(ctx context.Context, a Asked) ([]table.Row, error) {
	p := plan{rounds: a.Rounds, peers: a.Peers, warmup: a.Warmup, duration: a.Duration, progress: io.Discard}
	p.chooseOf(allAsked(a.At))
	list, absent := p.present(a.Cell, "us", work{size: a.Size, open: a.Open, warmup: a.Warmup, duration: a.Duration})
	if len(list) == 0 || list[0].name != ours {
		return unmet(absent), nil
	}
	for i := range list {
		list[i].receivers = 1
	}
	columns := []column{
		{suffix: " p50", unit: "us", scale: micros, of: bench.P50Of, smaller: true, goal: askedGoalOf},
		{suffix: " p99", unit: "us", scale: micros, of: bench.P99Of, smaller: true},
	}
	if a.Open > 1 {
		columns = append(columns, column{unit: "k/s", scale: thousands, of: bench.RateOf})
	}
	rows, err := p.beside(ctx, a.Until, a.Cell, list, columns...)
	return append(rows, unmet(absent)...), err
}

// unmet makes the rows of those that are not here goals that are not met: nobody can say how they compare.
func unmet(rows []table.Row) []table.Row {
	for i := range rows {
		r := &rows[i]
		r.Cell, r.Smaller, r.Goal = r.Cell+" p50", true, askedGoalOf(r.Peer)
		r.Judged = r.Goal != 0
	}
	return rows
}

// Unmeasured is the row of requests between nodes where nothing of it can be measured here, and why.
func Unmeasured(cell string, why error) table.Row {
	return unmet([]table.Row{{Cell: cell, Unit: "us", Peer: nats + "; " + zeromq, Note: why.Error()}})[0]
}

// An AskedReport is what MeasureAsked gave in another process.
type AskedReport struct {
	Rows    []table.Row `json:"rows"`
	Missing string      `json:"missing,omitempty"` // what the host lacks, in a line
}

// AskedMain is that process: it writes the report. What fails is an error.
func AskedMain(ctx context.Context, text string, out io.Writer) error {
	var a Asked
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return err
	}
	code, err := Inside(func() int {
		rows, err := MeasureAsked(ctx, a)
		if err == nil {
			err = json.NewEncoder(out).Encode(AskedReport{Rows: rows})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	})
	var missing *netlab.MissingError
	switch {
	case errors.As(err, &missing):
		return json.NewEncoder(out).Encode(AskedReport{Missing: missing.Error()})
	case err != nil:
		return err
	case code != 0:
		os.Exit(code) // the one inside has said why
	}
	return nil
}

// beginAsking starts the service on node 1, and who asks on node 2.
func (r *run) beginAsking() error {
	service, err := r.start(r.lab.Node(1), "answer")
	if err != nil {
		return err
	}
	r.programs = append(r.programs, service)
	if err := service.Ready(); err != nil {
		return err
	}
	if r.sender, err = r.start(r.lab.Node(2), "ask"); err != nil {
		return err
	}
	time.Sleep(r.contender.settles)
	return r.sender.Ready()
}

// answers reads the line of the one who asks.
func (r *run) answers() error {
	r.outcome.received = make([]received, 1)
	return r.sender.Result(20*time.Second, &r.outcome.received[0])
}

// ourAsker asks a client; its first request waits until the service is known on this node.
func ourAsker(bus *ringcast.Bus) (program.Asker, error) {
	client, err := bus.Client(service, nil)
	if err != nil {
		return nil, err
	}
	var reply ringcast.Reply
	known, end := false, time.Now().Add(10*time.Second)
	return func(ctx context.Context, request []byte) ([]byte, error) {
		err := client.RequestInto(ctx, request, &reply)
		for !known && errors.Is(err, ringcast.ErrNoService) && time.Now().Before(end) {
			time.Sleep(10 * time.Millisecond)
			err = client.RequestInto(ctx, request, &reply)
		}
		known = true
		return reply.Payload(), err
	}, nil
}

// ourService answers until it is asked to end.
func ourService(ctx context.Context, bus *ringcast.Bus, w *program.Work) error {
	answer := make([]byte, w.Size)
	_, err := bus.Serve(service, func(_ context.Context, r *ringcast.Request) error {
		if err := program.Answer(r.Payload(), answer); err != nil {
			return err
		}
		return r.Reply(answer)
	}, &ringcast.ServeConfig{SlotSize: w.Size})
	if err != nil {
		return err
	}
	program.Ready()
	<-ctx.Done()
	return nil
}
