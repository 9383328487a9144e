"""Builds an order as a FlatBuffer in a slot of the ring, and reads it where it lies.

Needs the package flatbuffers: pip install flatbuffers
"""

import flatbuffers
from orders import Line, Order

import ringcast


def build(b: flatbuffers.Builder) -> None:
    item, customer = b.CreateString("tea"), b.CreateString("ada")
    Line.Start(b)
    Line.AddItem(b, item)
    Line.AddQuantity(b, 2)
    line = Line.End(b)
    Order.StartLinesVector(b, 1)
    b.PrependUOffsetTRelative(line)
    lines = b.EndVector()
    Order.Start(b)
    Order.AddNumber(b, 7)
    Order.AddCustomer(b, customer)
    Order.AddLines(b, lines)
    b.Finish(Order.End(b))


def main() -> None:
    with ringcast.Domain() as domain, domain.subscribe("orders") as reader, domain.publisher("orders") as publisher:
        with publisher.builder() as b:
            build(b)
        message = reader.next()
        if isinstance(message, ringcast.Message):
            order = Order.Order.GetRootAs(message.data)
            line = order.Lines(0)
            print(f"order {order.Number()} of {order.Customer().decode()}: {line.Quantity()} of {line.Item().decode()}")


if __name__ == "__main__":
    main()
