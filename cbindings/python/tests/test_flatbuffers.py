"""FlatBuffers, built in a slot and read in a lease."""

import pathlib
import sys

import pytest

import ringcast

from conftest import PATIENCE, checkout

sys.path.insert(0, str(checkout() / "examples" / "python"))

from orders import Line, Order  # noqa: E402


def build(b, number, lines=2):
    made = []
    for i in range(lines):
        item = b.CreateString(f"tea {i}")
        Line.Start(b)
        Line.AddItem(b, item)
        Line.AddQuantity(b, i)
        made.append(Line.End(b))
    customer = b.CreateString("ada")
    Order.StartLinesVector(b, len(made))
    for line in reversed(made):
        b.PrependUOffsetTRelative(line)
    vector = b.EndVector()
    Order.Start(b)
    Order.AddNumber(b, number)
    Order.AddCustomer(b, customer)
    Order.AddLines(b, vector)
    b.Finish(Order.End(b))


def test_built_and_read_in_place(pair):
    s, p = pair
    for n in range(200):
        with p.builder(schema=5) as b:
            build(b, n)
        m = s.next(PATIENCE)
        assert (m.content, m.schema, m.lent) == (ringcast.Content.FLAT_BUFFER, 5, True)
        order = Order.Order.GetRootAs(m.data)
        assert (order.Number(), order.Customer(), order.LinesLength()) == (n, b"ada", 2)
        assert order.Lines(1).Item() == b"tea 1" and order.Lines(1).Quantity() == 1


def test_a_table_does_not_outlive_its_lease(pair):
    s, p = pair
    with p.builder() as b:
        build(b, 1)
    order = Order.Order.GetRootAs(s.next(PATIENCE).data)
    assert order.Number() == 1
    s.poll()
    with pytest.raises(ValueError, match="released"):
        order.Number()


def test_the_same_bytes_as_an_ordinary_builder(pair):
    import flatbuffers

    s, p = pair
    with p.builder() as b:
        build(b, 7)
    plain = flatbuffers.Builder(0)
    build(plain, 7)
    assert bytes(s.next(PATIENCE)) == bytes(plain.Output())


def test_what_does_not_fit_is_given_up(pair):
    s, p = pair
    with pytest.raises(ringcast.TooLargeError, match="ask for a larger slot_size"):
        with p.builder() as b:
            build(b, 1, lines=500)
    with pytest.raises(ValueError, match="Finish"):
        with p.builder() as b:
            b.CreateString("not finished")
    with pytest.raises(ZeroDivisionError):
        with p.builder() as b:
            1 / 0
    with pytest.raises(ringcast.LeaseError, match="let go of it with del"):
        with p.builder() as b:
            build(b, 2)
            kept = b.Output()
    del kept, b
    p.publish(b"after")
    assert bytes(s.next(PATIENCE)) == b"after" and p.sequence == 1


def test_a_builder_that_was_sent_writes_no_more(pair):
    _, p = pair
    with p.builder() as b:
        build(b, 1)
    with pytest.raises(ValueError, match="released"):
        b.finished = False
        b.CreateString("late")


def test_golden_accessors_are_there():
    import ringcast.fb.SlotHeader

    assert pathlib.Path(ringcast.fb.SlotHeader.__file__).is_file()
