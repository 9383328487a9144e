// Flatbuffers builds an order in a slot of the ring and reads it where it lies:
// between the two nothing is copied.
//
//	go run ./examples/go/flatbuffers
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
)

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) (err error) {
	bus, err := ringcast.Open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bus.Close()) }()
	sub, err := bus.Subscribe("orders.eu", nil)
	if err != nil {
		return err
	}
	pub, err := bus.Publisher("orders.eu", nil)
	if err != nil {
		return err
	}
	claim, err := pub.Claim(ctx, 512) // lends a slot
	if err != nil {
		return err
	}
	build(claim.Builder(), 7, "ada")
	if err := claim.Commit(); err != nil { // makes it visible
		return err
	}
	m, err := sub.Next(ctx)
	if err != nil {
		return err
	}
	o := orders.GetRootAsOrder(m.Payload(), 0)
	var line orders.Line
	for i := range o.LinesLength() {
		o.Lines(&line, i)
		fmt.Printf("order %d of %s: %d of %s\n", o.Number(), o.Customer(), line.Quantity(), line.Item())
	}
	return nil
}

// build writes the table from the end of the slot towards its front.
func build(b *flatbuffers.Builder, number uint64, customer string) {
	item, name := b.CreateString("tea"), b.CreateString(customer)
	orders.LineStart(b)
	orders.LineAddItem(b, item)
	orders.LineAddQuantity(b, 2)
	orders.LineAddCents(b, 450)
	line := orders.LineEnd(b)
	lines := b.CreateVectorOfTables([]flatbuffers.UOffsetT{line})
	orders.OrderStart(b)
	orders.OrderAddNumber(b, number)
	orders.OrderAddCustomer(b, name)
	orders.OrderAddLines(b, lines)
	b.Finish(orders.OrderEnd(b))
}
