package nodes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/bench/net/program"
)

// What our own programs share: a reliable topic whose ring holds as much as a peer's
// buffers do, one goroutine that publishes, and readers that take what is there.
const (
	domain    = "bench"
	topic     = "bench"
	ringSlots = 8192
	service   = "bench"
)

// Program is our sender or a receiver, until it is done; its flags are those of all peers.
func Program(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	w, err := program.Parse(args)
	if err != nil {
		return err
	}
	bus, err := ringcast.Open(ctx, &ringcast.Config{Dir: w.Dir, Domain: domain, Name: args[0]})
	if err != nil {
		return err
	}
	defer bus.Close()
	switch {
	case w.Sends:
		return ourSender(ctx, bus, &w)
	case w.Asks:
		return program.Ask(ctx, &w, func() (program.Asker, error) { return ourAsker(bus) })
	case w.Answers:
		return ourService(ctx, bus, &w)
	}
	return ourReceiver(ctx, bus, &w)
}

func ourSender(ctx context.Context, bus *ringcast.Bus, w *program.Work) error {
	pub, err := bus.Publisher(topic, &ringcast.PublisherConfig{Slots: ringSlots, SlotSize: w.Size, Solo: true})
	if err != nil {
		return err
	}
	defer pub.Close()
	program.Ready()
	if err := program.AwaitStart(); err != nil {
		return err
	}
	pace := program.NewPace(w)
	for {
		due, tag := pace.Wait(ctx)
		if due == 0 {
			break
		}
		began := program.Now()
		if err := publish(pub, w, tag, due); err != nil {
			return err
		}
		pace.Sent(began)
	}
	err = publish(pub, w, pace.Last(), 0)
	pace.Print()
	return err
}

// publish writes a message in place; where this process had no core for so long that its
// claim was taken from it, it claims again.
func publish(pub *ringcast.Publisher, w *program.Work, tag, stamp uint64) error {
	for {
		c, err := pub.Claim(context.Background(), w.Size)
		if err != nil {
			return err
		}
		w.Write(c.Bytes(), tag, stamp)
		if err := c.Commit(); err != ringcast.ErrFenced {
			return err
		}
	}
}

func ourReceiver(ctx context.Context, bus *ringcast.Bus, w *program.Work) error {
	sub, err := bus.Subscribe(topic, nil)
	if err != nil {
		return err
	}
	defer sub.Close()
	program.Ready()
	books, told := program.NewBooks(w), uint64(0)
	defer func() { books.Print(told) }()
	for {
		batch, err := sub.NextBatch(ctx, 0)
		switch {
		case err == nil:
		case ringcast.IsEvent(err):
			told += toldBy(err)
			fmt.Fprintln(os.Stderr, err)
			continue
		case errors.Is(err, context.Canceled):
			return nil
		default:
			return err
		}
		for i := range batch {
			if last, err := books.Take(batch[i].Payload()); err != nil || last {
				return err
			}
		}
	}
}

// toldBy is how many messages an event says are missing.
func toldBy(event error) uint64 {
	var lagged *ringcast.LaggedError
	var loss *ringcast.LossError
	switch {
	case errors.As(event, &lagged):
		return lagged.Missed
	case errors.As(event, &loss):
		return loss.Count
	}
	return 0
}
