package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/codec/fb"
)

// An account is what a subscriber was given of one publisher in one topic.
type account struct {
	Delivered, Lost uint64
	Behind          uint64 // passed it by because it was put out
	Next            uint64 // the number that comes next
}

// A heard is what a subscriber says at its end.
type heard struct {
	Accounts map[string]*account // by topic and publisher
	Fault    string              // the first thing that must not be
	Lagged   uint64              // positions that LAGGED events named
	Events   int
	Marked   spread // latencies of marked messages,
	All      spread // and of all
	Silences []silence
	Told     []uint64 // instants of the first events
	Losses   []loss   // the first that were told
}

// A loss is what one event told of.
type loss struct {
	Topic string
	Count uint64
	Why   fb.LossReason
	At    uint64
}

// A silence is a time without a message that lasted longer than 20 ms.
type silence struct{ From, To uint64 }

// A spread is some durations in milliseconds.
type spread struct {
	Count          int
	Mean, P50, P99 float64
	Max            float64
}

func (s spread) String() string {
	return fmt.Sprintf("p50 %.2f p99 %.2f max %.2f ms, mean %.2f, of %d", s.P50, s.P99, s.Max, s.Mean, s.Count)
}

// spreadOf sorts the nanoseconds.
func spreadOf(ns []uint64) spread {
	if len(ns) == 0 {
		return spread{}
	}
	slices.Sort(ns)
	sum := uint64(0)
	for _, v := range ns {
		sum += v
	}
	ms := func(v uint64) float64 { return float64(v) / 1e6 }
	return spread{len(ns), ms(sum) / float64(len(ns)), ms(ns[len(ns)/2]), ms(ns[len(ns)*99/100]), ms(ns[len(ns)-1])}
}

// A listener is a subscriber's ledger. It belongs to one goroutine.
type listener struct {
	heard
	may         map[string]bool   // a jump is its own fault since it was put out
	place       map[string]uint64 // where the next message of a topic may lie
	marked, all []uint64
	last        uint64
	text, late  bool
}

// subscribe is the role of a subscriber; it ends at SIGTERM.
func subscribe(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	f := flag.NewFlagSet("subscribe", flag.ContinueOnError)
	dir := f.String("dir", "", "")
	topics := f.String("topics", "", "with commas between")
	slow := f.Duration("slow", 0, "after each message")
	of := f.String("domain", domain, "")
	text := f.Bool("text", false, "payloads begin with the number in decimal, and a space")
	late := f.Bool("late", false, "begins in the middle of the streams")
	if err := f.Parse(args); err != nil {
		return err
	}
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: *dir, Domain: *of, Name: "subscribe"})
	if err != nil {
		return err
	}
	defer bus.Close()
	merged, err := subscribeAll(bus, strings.Split(*topics, ","))
	if err != nil {
		return err
	}
	os.Stdout.WriteString("ready\n")
	l := listener{heard: heard{Accounts: map[string]*account{}}, may: map[string]bool{}, place: map[string]uint64{}, text: *text, late: *late}
	for ctx.Err() == nil {
		m, err := merged.Next(ctx)
		if err != nil && !ringcast.IsEvent(err) {
			break
		}
		l.take(m, err)
		if *slow > 0 {
			time.Sleep(*slow)
		}
	}
	l.Marked, l.All = spreadOf(l.marked), spreadOf(l.all)
	return json.NewEncoder(os.Stdout).Encode(&l.heard)
}

func subscribeAll(bus *ringcast.Bus, topics []string) (*ringcast.Merged, error) {
	var list []*ringcast.Subscription
	for _, t := range topics {
		s, err := bus.Subscribe(t, nil)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return bus.Merge(list...)
}

func (l *listener) fail(format string, args ...any) {
	if l.Fault == "" {
		l.Fault = fmt.Sprintf(format, args...)
	}
}

// keepMost bounds the latencies that are kept.
const keepMost = 1 << 20

// take books a message or an event.
func (l *listener) take(m *ringcast.Message, event error) {
	now := clock()
	var missed *ringcast.LossError
	var lagged *ringcast.LaggedError
	switch {
	case event == nil:
		l.message(m, now)
		return
	case errors.As(event, &missed):
		if missed.Count != missed.Last-missed.First+1 {
			l.fail("%v: counts %d", missed, missed.Count)
		}
		l.book(missed.Topic+" "+missed.Source.Participant().String(), missed.First, missed.Last, true)
		if len(l.Losses) < 100 {
			l.Losses = append(l.Losses, loss{missed.Topic, missed.Count, fb.LossReason(missed.Reason), now})
		}
	case errors.As(event, &lagged):
		l.Lagged += lagged.Missed
		if at := l.place[lagged.Topic]; lagged.First != at {
			l.fail("LAGGED begins at position %d, where %d is next", lagged.First, at)
		}
		l.place[lagged.Topic] = lagged.First + lagged.Missed
		for key := range l.Accounts {
			l.may[key] = true
		}
	default:
		l.fail("unexpected %v", event)
	}
	l.Events++
	if len(l.Told) < 100 {
		l.Told = append(l.Told, now)
	}
}

func (l *listener) message(m *ringcast.Message, now uint64) {
	payload := m.Payload()
	n, due := l.read(payload)
	if n != m.Sequence() {
		l.fail("message %d of %v has sequence %d", n, m.Source(), m.Sequence())
	}
	if m.Position() < l.place[m.Topic()] {
		l.fail("message %d lies at position %d, before %d", n, m.Position(), l.place[m.Topic()])
	}
	l.place[m.Topic()] = m.Position() + 1
	l.book(m.Topic()+" "+m.Source().Participant().String(), n, n, false)
	if l.last != 0 && now-l.last > uint64(20*time.Millisecond) && len(l.Silences) < 1000 {
		l.Silences = append(l.Silences, silence{l.last, now})
	}
	l.last = now
	late := now - min(due, now)
	if len(l.all) < keepMost {
		l.all = append(l.all, late)
	}
	if len(payload) == markedSize {
		l.marked = append(l.marked, late)
	}
}

// read is a message's number, and when it was due.
func (l *listener) read(payload []byte) (n, due uint64) {
	if l.text {
		_, _ = fmt.Sscanf(string(payload[:min(len(payload), 48)]), "%d %d", &n, &due) // what is wrong is not the number that comes
		return n, due
	}
	return binary.LittleEndian.Uint64(payload), binary.LittleEndian.Uint64(payload[8:])
}

// book enters the messages first..last of one publisher in one topic.
func (l *listener) book(key string, first, last uint64, lost bool) {
	a := l.Accounts[key]
	if a == nil {
		a = &account{Next: 1}
		if l.late {
			a.Next = first
		}
		l.Accounts[key] = a
	}
	if first != a.Next && (!l.may[key] || first < a.Next) {
		l.fail("%s: %d..%d (lost: %v) comes where %d is next", key, first, last, lost, a.Next)
	}
	if first > a.Next {
		a.Behind += first - a.Next
	}
	if lost {
		a.Lost += last - first + 1
	} else {
		a.Delivered++
	}
	a.Next, l.may[key] = last+1, false
}
