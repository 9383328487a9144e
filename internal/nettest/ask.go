package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
)

// service is what the peers of the conformance run serve, and asked how they are told to answer with the same bytes.
const (
	service = "asked"
	asked   = "e, and the same bytes come back"
)

// An inquiry is what a process that asked says at its end: each request has one outcome.
type inquiry struct {
	Asked    uint64
	Outcomes map[string]uint64 // "answered", or the error's word
	By       map[string]uint64 // answers by the node's number
	Time     spread            // of what was answered
	Longest  float64           // ms, of all
	From, To map[string]uint64 // when an outcome came first and last
}

// outcomes are the words for errors.
var outcomes = []struct {
	err  error
	word string
}{
	{ringcast.ErrNoService, "no service"}, {ringcast.ErrOverloaded, "overloaded"}, {ringcast.ErrInstanceDied, "instance died"},
	{ringcast.ErrGone, "gone"}, {ringcast.ErrNodeDown, "node down"}, {ringcast.ErrNoReply, "no reply"}, {context.DeadlineExceeded, "deadline"},
}

func outcome(err error) string {
	if err == nil {
		return "answered"
	}
	for _, o := range outcomes {
		if errors.Is(err, o.err) {
			return o.word
		}
	}
	return err.Error()
}

// An asker asks the service at a rate, and keeps the account. Its methods are safe for concurrent use.
type asker struct {
	bus *ringcast.Bus
	mu  sync.Mutex
	inquiry
	took    []uint64
	longest uint64
}

// ask is the role of a process that asks; it ends at SIGTERM, when its last request has its outcome.
func ask(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	f := flag.NewFlagSet("ask", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	rate := f.Float64("rate", 100, "requests a second")
	if err := f.Parse(args); err != nil {
		return err
	}
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: *dir, Name: "ask", InFlight: 2048})
	if err != nil {
		return err
	}
	defer bus.Close()
	os.Stdout.WriteString("ready\n")
	a := &asker{bus: bus, inquiry: inquiry{Outcomes: map[string]uint64{}, By: map[string]uint64{}, From: map[string]uint64{}, To: map[string]uint64{}}}
	a.run(ctx, time.Duration(float64(time.Second) / *rate))
	a.Time, a.Longest = spreadOf(a.took), float64(a.longest)/1e6
	return json.NewEncoder(os.Stdout).Encode(&a.inquiry)
}

// run asks at each tick, whether or not earlier requests have their answers.
func (a *asker) run(ctx context.Context, every time.Duration) {
	var open sync.WaitGroup
	defer open.Wait()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			a.Asked++
			open.Go(a.one)
		}
	}
}

// one asks once.
func (a *asker) one() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	began := clock()
	reply, err := a.bus.Request(ctx, service, []byte(asked))
	took := clock() - began
	if err == nil && !slices.Equal(reply.Payload(), []byte(asked)) {
		err = errors.New("another answer")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	word := outcome(err)
	if a.Outcomes[word]++; a.Outcomes[word] == 1 {
		a.From[word] = began
	}
	a.To[word] = began
	a.longest = max(a.longest, took)
	if err == nil {
		a.By[reply.Source().String()]++
		if len(a.took) < keepMost {
			a.took = append(a.took, took)
		}
	}
}
