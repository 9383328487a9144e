package ringcast_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
)

// exampleBus is a bus in a domain of its own.
func exampleBus() (bus *ringcast.Bus, end func()) {
	cfg, remove := exampleConfig()
	bus, err := ringcast.Open(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	return bus, func() { _ = bus.Close(); remove() }
}

// exampleShout serves "shout", which answers in capital letters.
func exampleShout(bus *ringcast.Bus) *ringcast.Instance {
	s, err := bus.Serve("shout", func(_ context.Context, r *ringcast.Request) error {
		if len(r.Payload()) == 0 {
			return &ringcast.ReplyError{Code: 400, Text: "nothing to shout"}
		}
		return r.Reply(bytes.ToUpper(r.Payload()))
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// A service in this process, and a request to it. The two may as well be on two nodes: the
// calls are the same.
func ExampleBus_Serve() {
	bus, end := exampleBus()
	defer end()
	ctx := context.Background()
	instance, err := bus.Serve("shout", func(_ context.Context, r *ringcast.Request) error {
		return r.Reply(bytes.ToUpper(r.Payload()))
	}, &ringcast.ServeConfig{Concurrency: 4})
	if err != nil {
		log.Fatal(err)
	}
	reply, err := bus.Request(ctx, "shout", []byte("tea is ready"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", reply.Payload())
	if err := instance.Stop(ctx); err != nil { // no request is lost
		log.Fatal(err)
	}
	// Output: TEA IS READY
}

// Each way in which a request may end is an error of its own.
func ExampleBus_Request_errors() {
	bus, end := exampleBus()
	defer end()
	exampleShout(bus)
	for _, service := range []string{"shout", "whisper"} {
		_, err := bus.Request(context.Background(), service, nil)
		var refused *ringcast.ReplyError
		switch {
		case errors.As(err, &refused):
			fmt.Println("the handler's own error:", refused.Code, refused.Text)
		case errors.Is(err, ringcast.ErrNoService), errors.Is(err, ringcast.ErrOverloaded):
			fmt.Println("it did not run:", err)
		case errors.Is(err, ringcast.ErrInstanceDied), errors.Is(err, context.DeadlineExceeded):
			fmt.Println("nobody knows whether it ran:", err)
		case err != nil:
			log.Fatal(err)
		}
	}
	// Output:
	// the handler's own error: 400 nothing to shout
	// it did not run: service "whisper": no instance of the service
}

// Several requests at once, without a goroutine each.
func ExampleBus_Go() {
	bus, end := exampleBus()
	defer end()
	exampleShout(bus)
	ctx := context.Background()
	var futures []*ringcast.Future
	for _, word := range []string{"green", "black", "white"} {
		f, err := bus.Go(ctx, "shout", []byte(word))
		if err != nil {
			log.Fatal(err)
		}
		futures = append(futures, f)
	}
	for _, f := range futures {
		reply, err := f.Wait(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", reply.Payload())
	}
	// Output:
	// GREEN
	// BLACK
	// WHITE
}

// Many replies to one request. Who leaves the loop ends the handler's context.
func ExampleBus_RequestStream() {
	bus, end := exampleBus()
	defer end()
	ctx := context.Background()
	_, err := bus.Serve("words", func(_ context.Context, r *ringcast.Request) error {
		words := strings.Fields(string(r.Payload()))
		for _, word := range words[:len(words)-1] {
			if err := r.More([]byte(word)); err != nil {
				return err
			}
		}
		return r.Reply([]byte(words[len(words)-1])) // the last one
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for reply, err := range bus.RequestStream(ctx, "words", []byte("milk sugar tea")) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", reply.Payload())
	}
	// Output:
	// milk
	// sugar
	// tea
}

// A request and a reply that are lists of byte strings, so that nobody has to agree on a format.
func ExampleAppendFields() {
	bus, end := exampleBus()
	defer end()
	_, err := bus.Serve("price", func(_ context.Context, r *ringcast.Request) error {
		fields, err := r.Fields()
		if err != nil {
			return err
		}
		answer := ringcast.AppendFields(nil, fields[0], []byte("4.50"))
		return r.ReplyMarked(answer, ringcast.Fielded)
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	client, err := bus.Client("price", &ringcast.ClientConfig{Marks: ringcast.Fielded})
	if err != nil {
		log.Fatal(err)
	}
	reply, err := client.Request(context.Background(), ringcast.AppendFields(nil, []byte("tea"), []byte("2")))
	if err != nil {
		log.Fatal(err)
	}
	fields, err := reply.Fields()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%q\n", fields)
	// Output: ["tea" "4.50"]
}

// A question to all who subscribe to a topic.
func ExampleBus_Survey() {
	bus, end := exampleBus()
	defer end()
	ctx := context.Background()
	stock, err := bus.Subscribe("inventory", nil)
	if err != nil {
		log.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		m, err := stock.Next(ctx)
		if err == nil && m.IsRequest() {
			err = m.Reply([]byte("twelve"))
		}
		answered <- err
	}()
	for answer, err := range bus.Survey(ctx, "inventory", []byte("how many cups?"), nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s\n", answer.Payload())
	}
	if err := <-answered; err != nil {
		log.Fatal(err)
	}
	// Output: twelve
}

// Messages to one process, by its address.
func ExampleBus_Inbox() {
	bus, end := exampleBus()
	defer end()
	ctx := context.Background()
	if _, err := bus.Mail(); err != nil { // the inbox is open before the address is given away
		log.Fatal(err)
	}
	text := bus.Address().String() // tell it to anybody, on any node

	address, err := ringcast.ParseAddress(text)
	if err != nil {
		log.Fatal(err)
	}
	if err := bus.Send(ctx, address, []byte("come home")); err != nil {
		log.Fatal(err)
	}
	for m, err := range bus.Inbox(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s, from myself: %v\n", m.Payload(), m.From() == bus.Address())
		break
	}
	// Output: come home, from myself: true
}

// Who is there, then who comes and goes.
func ExampleBus_Watch() {
	bus, end := exampleBus()
	defer end()
	exampleShout(bus)
	only := &ringcast.WatchConfig{Name: "shout", Kinds: []ringcast.PresenceKind{ringcast.PresenceInstance}}
	for event, err := range bus.Watch(context.Background(), only) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Up, event.Kind, event.Name)
		break
	}
	// Output: true instance shout
}

// All messages that are there, with one call: the fastest way to read.
func ExampleSubscription_NextBatch() {
	_, sub, end := exampleStream("tea", "green", "black", "white")
	defer end()
	batch, err := sub.NextBatch(context.Background(), 0)
	if err != nil {
		log.Fatal(err)
	}
	for i := range batch {
		fmt.Printf("%s\n", batch[i].Payload()) // all are valid until the next call
	}
	// Output:
	// green
	// black
	// white
}

// A reply that is a FlatBuffers table, read where it lies.
func ExampleRequest_ReplyMarked() {
	bus, end := exampleBus()
	defer end()
	_, err := bus.Serve("newest", func(_ context.Context, r *ringcast.Request) error {
		b := flatbuffers.NewBuilder(256)
		customer := b.CreateString("ada")
		orders.OrderStart(b)
		orders.OrderAddNumber(b, 7)
		orders.OrderAddCustomer(b, customer)
		b.Finish(orders.OrderEnd(b))
		return r.ReplyMarked(b.FinishedBytes(), ringcast.Marks{Content: ringcast.ContentFlatBuffer})
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	reply, err := bus.Request(context.Background(), "newest", nil)
	if err != nil {
		log.Fatal(err)
	}
	order := orders.GetRootAsOrder(reply.Payload(), 0)
	fmt.Printf("order %d of %s\n", order.Number(), order.Customer())
	// Output: order 7 of ada
}
