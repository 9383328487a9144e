"""The Python side of the conformance run. See doc.go for what its commands do."""

import os
import pathlib
import select
import sys
import time
from typing import Callable, Dict, List, Tuple

import flatbuffers

import ringcast

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "examples" / "python"))

from asking import answer, ask, ask_again, ask_away, drop  # noqa: E402
from images import images  # noqa: E402
from orders import Line, Order  # noqa: E402
from refusals import refuse  # noqa: E402

SLOT_SIZE = 256
SCHEMA = 0x4F524445
ORDER = 6  # by n mod 8
SIZES = (0, 1, 63, SLOT_SIZE, SLOT_SIZE + 1, 800, 0, 17)
WHOLE_SIZES = (0, 1, 63, SLOT_SIZE, SLOT_SIZE, SLOT_SIZE - 1, 0, 17)
HALF_SIZES = (0, 1, 63, SLOT_SIZE, SLOT_SIZE + 1, SLOT_SIZE - 1, 0, 17)
SIZES_OF = {"all": SIZES, "whole": WHOLE_SIZES, "half": HALF_SIZES}
PATIENCE = 30.0


class Wrong(Exception):
    """What this peer ends with."""


def say(text: str) -> None:
    print(text, flush=True)


def payload(n: int, size: int) -> bytes:
    return bytes((n * 31 + i * 7) & 0xFF for i in range(size))


def build_order(b: flatbuffers.Builder, n: int) -> None:
    item, customer = b.CreateString("tea"), b.CreateString(f"c{n}")
    Line.LineStart(b)
    Line.LineAddItem(b, item)
    Line.LineAddQuantity(b, n % 7 + 1)
    Line.LineAddCents(b, n * 100)
    line = Line.LineEnd(b)
    Order.OrderStartLinesVector(b, 1)
    b.PrependUOffsetTRelative(line)
    lines = b.EndVector()
    Order.OrderStart(b)
    Order.OrderAddNumber(b, n)
    Order.OrderAddCustomer(b, customer)
    Order.OrderAddLines(b, lines)
    b.Finish(Order.OrderEnd(b))


def order_right(m: ringcast.Message, n: int) -> bool:
    """Reads it where it lies; nothing of it is left when this returns."""
    o = Order.Order.GetRootAs(m.data)
    line = o.Lines(0)
    return (
        m.content == ringcast.Content.FLAT_BUFFER
        and m.schema == SCHEMA
        and (o.Number(), o.Customer(), o.LinesLength()) == (n, b"c%d" % n, 1)
        and line is not None
        and (line.Item(), line.Quantity(), line.Cents()) == (b"tea", n % 7 + 1, n * 100)
    )


def right(m: ringcast.Message) -> bool:
    n = m.sequence
    if n % 8 == ORDER:
        return order_right(m, n)
    return m.content == 0 and len(m) in (SIZES[n % 8], WHOLE_SIZES[n % 8]) and m.data == payload(n, len(m))


def open_publisher(domain: ringcast.Domain, topic: str, kind: str, mode: str) -> ringcast.Publisher:
    return domain.publisher(
        topic,
        slots=4 if mode == "few" else 64,
        slot_size=SLOT_SIZE,
        schema=SCHEMA,
        kind=ringcast.RingKind[kind.upper()],
        mode=ringcast.RingMode.LATEST if mode == "latest" else ringcast.RingMode.RELIABLE,
    )


def publish(p: ringcast.Publisher, n: int, sizes: Tuple[int, ...]) -> None:
    if n % 8 == ORDER:
        with p.builder(PATIENCE) as b:
            build_order(b, n)
        return
    data = payload(n, sizes[n % 8])
    if n % 3 != 0 or len(data) > SLOT_SIZE:
        p.publish(data, PATIENCE)
        return
    with p.claim(len(data), PATIENCE) as slot:
        slot[:] = data


def write(domain: ringcast.Domain, topic: str, kind: str, mode: str, what: str, count: str) -> None:
    sizes = SIZES_OF[what]
    with open_publisher(domain, topic, kind, mode) as p:
        for n in range(1, int(count) + 1):
            try:
                publish(p, n, sizes)
            except ringcast.FencedError:  # this process was stopped for long: nothing was sent
                publish(p, n, sizes)
            if mode == "latest" and n % 8 == 0:
                time.sleep(0.0002)


def claim(domain: ringcast.Domain, topic: str, kind: str, mode: str) -> None:
    slot = open_publisher(domain, topic, kind, mode).claim(1, PATIENCE)
    say("claimed")
    time.sleep(PATIENCE)
    raise Wrong(f"was not killed, with {slot}")


def read(domain: ringcast.Domain, topic: str, reading: str, history: str, count: str) -> None:
    last, got, missed, lagged = 0, 0, 0, False
    with domain.subscribe(topic, reading=ringcast.Reading[reading.upper()], history=int(history)) as s:
        say("ready")
        while last < int(count):
            item = s.next(PATIENCE)
            if isinstance(item, ringcast.Lagged):
                lagged = True
                continue
            if not isinstance(item, ringcast.Message):
                raise Wrong(f"after {last}: {item}")
            n = item.sequence
            if n <= last or (n != last + 1 and not lagged) or not right(item):
                raise Wrong(f"after {last}: {item}, {bytes(item)!r}")
            missed += n - last - 1
            last, lagged = n, False
            got += 1
    say(f"got {got} missed {missed}")


def tell(item: ringcast.Item) -> None:
    if isinstance(item, ringcast.Abandoned):
        say(f"abandoned {item.sequence}")
    elif isinstance(item, ringcast.Lagged):
        say(f"missed {item.count}")
    elif isinstance(item, ringcast.Message) and right(item):
        item.release()  # handled
        say(f"took {item.sequence}")
    else:
        raise Wrong(f"wrong: {item}")


def input_ended() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0]) and sys.stdin.buffer.read1(1) == b""


def member(domain: ringcast.Domain, topic: str, group: str) -> None:
    with domain.subscribe(topic, group=group) as s:
        say("ready")
        while not input_ended():
            try:
                tell(s.next(0.05))
            except ringcast.TimedOutError:
                pass


def hold(domain: ringcast.Domain, topic: str, group: str) -> None:
    with domain.subscribe(topic, group=group) as s:
        say("ready")
        item = s.next(PATIENCE)
        if not isinstance(item, ringcast.Message) or not right(item):
            raise Wrong(f"wrong: {item}")
        say(f"holding {item.sequence}")
        time.sleep(PATIENCE)
        raise Wrong("was not killed")


def watch(domain: ringcast.Domain) -> None:
    kind = ringcast.PresenceKind
    with domain.watch([kind.NODE, kind.PUBLISHER, kind.SUBSCRIBER, kind.INSTANCE]) as w:
        say("ready")
        while (e := w.next(PATIENCE)) is not None:
            why = "" if e.up else " " + e.reason.name.lower().replace("_", "-")
            say(f"{'up' if e.up else 'down'} {e.kind.name.lower()} {e.name} {e.address}{why}")


def subscribers(domain: ringcast.Domain, topic: str) -> None:
    say(str(domain.wait_for_subscribers(topic, 0, 0)))


COMMANDS: Dict[str, Callable[..., None]] = {
    "write": write,
    "claim": claim,
    "read": read,
    "member": member,
    "hold": hold,
    "images": images,
    "refuse": refuse,
    "answer": answer,
    "ask": ask,
    "ask-away": ask_away,
    "ask-again": ask_again,
    "drop": drop,
    "watch": watch,
    "subscribers": subscribers,
}


def main(args: List[str]) -> int:
    try:
        with ringcast.Domain(os.environ.get("CONFORMANCE_DOMAIN", "default")) as domain:
            COMMANDS[args[0]](domain, *args[1:])
    except Exception as e:  # one line, whatever it was
        say(f"{type(e).__name__}: {e}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
