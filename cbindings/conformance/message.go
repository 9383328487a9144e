package main

import (
	"bytes"
	"fmt"

	flatbuffers "github.com/google/flatbuffers/go"

	"github.com/ringcast/ringcast"
	"github.com/ringcast/ringcast/examples/schema/orders"
)

// slotSize is the payload of a slot, in bytes.
const slotSize = 256

// fewSlots is the number of slots of MODE few.
const fewSlots = 4

// orderSchema is what messages with an Order say of their schema.
const orderSchema = 0x4f524445

// order is which of eight messages has an Order.
const order = 6

// sizes are the sizes of messages, by their number; wholeSizes those that fit a slot, and halfSizes those that
// fit half of four slots. Readers take those of either of the first two.
var (
	sizes      = [8]int{0, 1, 63, slotSize, slotSize + 1, 800, 0, 17}
	wholeSizes = [8]int{0, 1, 63, slotSize, slotSize, slotSize - 1, 0, 17}
	halfSizes  = [8]int{0, 1, 63, slotSize, slotSize + 1, slotSize - 1, 0, 17}
)

// sizesOf are those of WHAT.
var sizesOf = map[string][8]int{"all": sizes, "whole": wholeSizes, "half": halfSizes}

// payload is message n, of so many bytes.
func payload(n uint64, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(n*31 + uint64(i)*7)
	}
	return b
}

// build writes the Order of message n.
func build(b *flatbuffers.Builder, n uint64) {
	item, name := b.CreateString("tea"), b.CreateString(fmt.Sprintf("c%d", n))
	orders.LineStart(b)
	orders.LineAddItem(b, item)
	orders.LineAddQuantity(b, uint32(n%7+1))
	orders.LineAddCents(b, n*100)
	lines := b.CreateVectorOfTables([]flatbuffers.UOffsetT{orders.LineEnd(b)})
	orders.OrderStart(b)
	orders.OrderAddNumber(b, n)
	orders.OrderAddCustomer(b, name)
	orders.OrderAddLines(b, lines)
	b.Finish(orders.OrderEnd(b))
}

// check says what is wrong with a message; nil: nothing.
func check(m *ringcast.Message) error {
	n, b := m.Sequence(), m.Payload()
	if n%8 == order {
		return checkOrder(m, n)
	}
	if size := len(b); size != sizes[n%8] && size != wholeSizes[n%8] || !bytes.Equal(b, payload(n, size)) {
		return fmt.Errorf("message %d: wrong bytes, %d of them", n, size)
	}
	if m.Content() != ringcast.ContentRaw {
		return fmt.Errorf("message %d: content %d, want raw", n, m.Content())
	}
	return nil
}

func checkOrder(m *ringcast.Message, n uint64) error {
	if m.Content() != ringcast.ContentFlatBuffer || m.Schema() != orderSchema {
		return fmt.Errorf("message %d: content %d, schema %#x, want an order", n, m.Content(), m.Schema())
	}
	o := orders.GetRootAsOrder(m.Payload(), 0)
	var line orders.Line
	if !o.Lines(&line, 0) || o.LinesLength() != 1 || o.Number() != n || string(o.Customer()) != fmt.Sprintf("c%d", n) {
		return fmt.Errorf("message %d: order %d of %q with %d lines", n, o.Number(), o.Customer(), o.LinesLength())
	}
	if string(line.Item()) != "tea" || uint64(line.Quantity()) != n%7+1 || line.Cents() != n*100 {
		return fmt.Errorf("message %d: line %q, %d, %d cents", n, line.Item(), line.Quantity(), line.Cents())
	}
	return nil
}
