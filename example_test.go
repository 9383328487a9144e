package ringcast_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
)

// A domain of its own for each example.
func exampleConfig() (cfg *ringcast.Config, remove func()) {
	dir, err := os.MkdirTemp("", "ringcast-example-")
	if err != nil {
		log.Fatal(err)
	}
	return &ringcast.Config{Dir: dir}, func() { _ = os.RemoveAll(dir) }
}

func Example() {
	cfg, remove := exampleConfig() // nil is the default domain
	defer remove()
	ctx := context.Background()
	bus, err := ringcast.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	sub, err := bus.Subscribe("orders.>", nil)
	if err != nil {
		log.Fatal(err)
	}
	pub, err := bus.Publisher("orders.eu", nil)
	if err != nil {
		log.Fatal(err)
	}
	if err := pub.Publish(ctx, []byte("two of tea")); err != nil {
		log.Fatal(err)
	}
	for m, err := range sub.Messages(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s\n", m.Topic(), m.Payload())
		break
	}
	// Output: orders.eu: two of tea
}

// A FlatBuffers table is built in the slot, and read where it lies.
func ExamplePublisher_Claim() {
	cfg, remove := exampleConfig()
	defer remove()
	ctx := context.Background()
	bus, err := ringcast.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	sub, err := bus.Subscribe("orders.eu", nil)
	if err != nil {
		log.Fatal(err)
	}
	pub, err := bus.Publisher("orders.eu", nil)
	if err != nil {
		log.Fatal(err)
	}
	claim, err := pub.Claim(ctx, 256)
	if err != nil {
		log.Fatal(err)
	}
	b := claim.Builder()
	customer := b.CreateString("ada")
	orders.OrderStart(b)
	orders.OrderAddNumber(b, 7)
	orders.OrderAddCustomer(b, customer)
	b.Finish(orders.OrderEnd(b))
	if err := claim.Commit(); err != nil {
		log.Fatal(err)
	}
	m, err := sub.Next(ctx)
	if err != nil {
		log.Fatal(err)
	}
	o := orders.GetRootAsOrder(m.Payload(), 0)
	fmt.Printf("order %d of %s\n", o.Number(), o.Customer())
	// Output: order 7 of ada
}

// What was missed is told in the stream, and reading goes on.
func ExampleSubscription_Messages() {
	cfg, remove := exampleConfig()
	defer remove()
	ctx := context.Background()
	bus, err := ringcast.Open(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	pub, err := bus.Publisher("prices", &ringcast.PublisherConfig{Slots: 64, Mode: ringcast.Latest})
	if err != nil {
		log.Fatal(err)
	}
	sub, err := bus.Subscribe("prices", nil)
	if err != nil {
		log.Fatal(err)
	}
	for range 100 { // more than the ring has
		if err := pub.Publish(ctx, []byte("4.50")); err != nil {
			log.Fatal(err)
		}
	}
	for m, err := range sub.Messages(ctx) {
		var lagged *ringcast.LaggedError
		if errors.As(err, &lagged) {
			fmt.Println("missed", lagged.Missed)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		if m.Sequence() == 100 {
			break
		}
	}
	// Output: missed 68
}
